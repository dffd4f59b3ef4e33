//! Makes a kernel's text from its shader: import lines become the pieces that they name, placeholders become values.

/// Expands to a file's name and text.
macro_rules! shader {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../shaders/", $name, ".wgsl")),
        )
    };
}
pub(super) use shader;

/// The pieces that shaders share.
const PIECES: [(&str, &str); 7] = [
    shader!("shared/cell"),
    shader!("shared/step"),
    shader!("shared/forward"),
    shader!("shared/backward"),
    shader!("shared/units"),
    shader!("shared/scale"),
    shader!("shared/operand"),
];

/// The text with each line `// #import shared/NAME.wgsl` replaced by that file. Behind the name, `X=a` gives the piece's
/// `{{ X }}` the value `a`, and turns `{{ X.NAME }}` into `{{ a.NAME }}`, so that one piece can be imported twice with
/// values of its own. A line that names no piece stays.
pub fn import(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| piece(line).unwrap_or_else(|| line.into()))
        .collect()
}

fn piece(line: &str) -> Option<String> {
    let mut words = line.trim_end().strip_prefix("// #import ")?.split(' ');
    let name = words.next()?.strip_suffix(".wgsl")?;
    let (_, text) = PIECES.iter().find(|(piece, _)| *piece == name)?;
    let arguments = words.filter_map(|word| word.split_once('='));
    Some(arguments.fold(text.to_string(), |text, (name, value)| {
        text.replace(&format!("{{{{ {name} }}}}"), value)
            .replace(&format!("{{{{ {name}."), &format!("{{{{ {value}."))
    }))
}

/// The text with each `{{ NAME }}` replaced by the value of that name. A placeholder without a value stays.
pub fn fill(text: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(text.to_string(), |text, (name, value)| {
        text.replace(&format!("{{{{ {name} }}}}"), value)
    })
}

/// The names of a shader's buffers, in the order of their binding numbers, which count up from 0.
pub fn bindings(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let (_, variable) = line.strip_prefix("@group(0) @binding(")?.split_once("> ")?;
        Some(variable.split_once(':')?.0)
    })
}

//! Plain WGSL in the place of matrix units: a kernel's own text, with the calls on fragments turned into those of
//! `emulation.wgsl`, so that tests prove its index arithmetic on any adapter that has f16.

/// A kernel's text with its matrix units emulated; one that has none stays as it is.
pub fn emulate(text: &str, lanes: u32) -> String {
    const EMULATION: &str = include_str!("emulation.wgsl");
    if !text.contains("enable wgpu_cooperative_matrix;\n") {
        return text.into();
    }
    let text = text.replace("enable wgpu_cooperative_matrix;\n", "");
    let mut lines: Vec<String> = Vec::new();
    let mut in_arguments = false;
    for line in text.lines() {
        if line.contains("@builtin(subgroup_id)") || line.contains("@builtin(num_subgroups)") {
            in_arguments = true;
            continue;
        }
        if !line.contains("coop") {
            lines.push(line.into());
            if in_arguments && line == ") {" {
                in_arguments = false;
                lines.push("    let subgroup = thread / LANES;".into());
                lines.push("    let subgroups = WG / LANES;".into());
                lines.push("    lane = thread % LANES;".into());
                lines.push("    side = min(SIDE, info[0] + SIDE);".into());
            }
            continue;
        }
        let role = ["A", "B"]
            .into_iter()
            .find(|r| line.contains(&format!(", {r}>>(")));
        let role = role.unwrap_or("C");
        // coopLoadT<coop_mat16x16<f16, A>>(&a_tile[place], pitch) becomes coopLoadT_A(place, pitch).
        let mut line = line.to_string();
        if let (Some(open), Some(close)) = (line.find('<'), line.find(">>(")) {
            line.replace_range(open..close + 2, "");
        }
        for call in ["coopLoadT(", "coopLoad(", "coopMultiplyAdd(", "coopStoreT("] {
            line = line.replace(call, &format!("{}_{role}(", call.trim_end_matches('(')));
        }
        for tile in ["&a_tile[", "&b_tile[", "&staging["] {
            line = line.replace(tile, "");
        }
        lines.push(line.replace("], ", ", "));
    }
    let emulation = EMULATION.replace("{{ LANES }}", &lanes.to_string());
    format!("{}\n{emulation}", lines.join("\n"))
}

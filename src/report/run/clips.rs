//! The test clips that a run gets most wrong, to be looked at.

use std::fmt::Write;

use super::number::percent;
use crate::error::Result;
use crate::evaluate::Evaluation;
use crate::report::clip::{player, poses};
use crate::report::html::escape;
use crate::report::{Facts, Source};
use crate::scores::{ClipScore, ranking};
use crate::text::cut;

/// Clips that are shown.
const MOST: usize = 12;
/// Clips that are shown where none is wrong: the least certain.
const UNSURE: usize = 4;
/// Poses of a card.
const POSES: usize = 3;

/// The clips as cards and as scenes for the player.
pub(super) struct Worst {
    /// What is shown, in a sentence.
    pub lead: String,
    /// A card a clip.
    pub cards: String,
    /// A script element a clip.
    pub scenes: String,
}

/// Reads and draws the clips whose right class has the lowest probability, of those that are wrong.
///
/// # Errors
/// A clip that cannot be read.
pub(super) fn worst(tested: &Evaluation) -> Result<Worst> {
    let right = |score: &&ClipScore| ranking(&score.probabilities).first() == Some(&score.label);
    let mut wrong: Vec<&ClipScore> = tested.scores.iter().filter(|s| !right(s)).collect();
    let lead = match wrong.len() {
        0 => {
            wrong = tested.scores.iter().collect();
            "Every test clip is recognised. These are the least certain.".to_string()
        }
        1..=MOST => format!(
            "{} of {} test clips are wrong; first those whose right class has the lowest probability.",
            wrong.len(),
            tested.scores.len()
        ),
        _ => format!(
            "{} of {} test clips are wrong. These are the {MOST} whose right class has the lowest probability.",
            wrong.len(),
            tested.scores.len()
        ),
    };
    let some = if lead.starts_with("Every") {
        UNSURE
    } else {
        MOST
    };
    wrong.sort_by(|a, b| own(a).total_cmp(&own(b)));
    let source = Source::open(tested.prepared.folder())?;
    let (mut cards, mut scenes) = (String::new(), String::new());
    for (index, score) in wrong.iter().take(some).enumerate() {
        let found = source.clip(&tested.prepared.manifest().clips[score.clip].name)?;
        let facts = Facts::of(&source, &found);
        let guess = ranking(&score.probabilities).first().copied().unwrap_or(0);
        let class = |class: usize| {
            let name = tested.report.classes.get(class).map_or("", |c| &c.name);
            let probability = score.probabilities.get(class).copied().unwrap_or(0.0);
            format!(
                "<b>{}</b>&nbsp;{}",
                escape(&cut(name, 200)),
                percent(probability)
            )
        };
        let verdict = if guess == score.label {
            format!("{} is right", class(guess))
        } else {
            format!("{}, taken for {}", class(score.label), class(guess))
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            cards,
            "<li><button type=\"button\" class=\"card\" data-clip=\"{index}\" aria-pressed=\"{}\">\n{}\
             <span class=\"clip\">{}</span> <span class=\"verdict\">{verdict}</span></button>\n\
             <template>{}</template></li>",
            index == 0,
            poses(&source, &found, &facts, POSES, false),
            escape(&facts.clip),
            player::legend(&facts),
        );
        let _ = writeln!(
            scenes,
            "<script class=\"scene\" type=\"application/json\">{}</script>",
            player::scene(&source, &found, &facts)
        );
    }
    Ok(Worst {
        lead,
        cards,
        scenes,
    })
}

/// The probability of a clip's own class.
fn own(score: &ClipScore) -> f64 {
    score.probabilities.get(score.label).copied().unwrap_or(0.0)
}

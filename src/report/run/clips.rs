//! The worst predictions: the test clips with the lowest probability of the true class.

use std::fmt::Write;

use super::number::percent;
use crate::error::Result;
use crate::evaluate::Evaluation;
use crate::report::clip::{player, poses};
use crate::report::html::escape;
use crate::report::{ClipFacts, Source};
use crate::scores::{ClipScore, ranking};
use crate::text::{counted, truncated};

/// Maximum number of clips.
const MOST: usize = 12;
/// Number of clips if all predictions are correct.
const UNSURE: usize = 4;
/// Number of poses on a card.
const POSES: usize = 3;

/// The clips as cards and as scenes for the player.
pub(super) struct WorstClips {
    /// A sentence that describes the selection.
    pub lead: String,
    /// One card per clip.
    pub cards: String,
    /// One script element per clip.
    pub scenes: String,
}

/// Reads and draws the wrongly predicted clips with the lowest probability of the true class.
///
/// # Errors
/// If a clip cannot be read.
pub(super) fn worst_clips(tested: &Evaluation) -> Result<WorstClips> {
    let right = |score: &&ClipScore| ranking(&score.probabilities).first() == Some(&score.label);
    let mut wrong: Vec<&ClipScore> = tested.scores.iter().filter(|s| !right(s)).collect();
    let all = counted(tested.scores.len(), "test clip");
    let (lead, some) = match wrong.len() {
        0 => {
            wrong = tested.scores.iter().collect();
            let lead = "All predictions are correct. These are the least certain ones.".to_string();
            (lead, UNSURE)
        }
        count @ 1..=MOST => {
            let lead = format!(
                "{count} of {all} predicted wrongly, sorted by probability of the true class, lowest first."
            );
            (lead, MOST)
        }
        count => {
            let lead = format!(
                "{count} of {all} predicted wrongly. These {MOST} have the lowest probability of the true class."
            );
            (lead, MOST)
        }
    };
    wrong.sort_by(|a, b| own(a).total_cmp(&own(b)));
    let source = Source::open(tested.prepared.folder())?;
    let (mut cards, mut scenes) = (String::new(), String::new());
    for (index, score) in wrong.iter().take(some).enumerate() {
        let found = source.clip(&tested.prepared.manifest().clips[score.clip].name)?;
        let facts = ClipFacts::of(&source, &found);
        let guess = ranking(&score.probabilities).first().copied().unwrap_or(0);
        let class = |class: usize| {
            let name = tested.report.classes.get(class).map_or("", |c| &c.name);
            let probability = score.probabilities.get(class).copied().unwrap_or(0.0);
            format!(
                "<b>{}</b>&nbsp;{}",
                escape(&truncated(name, 200)),
                percent(probability)
            )
        };
        let verdict = if guess == score.label {
            format!("{}, correct", class(guess))
        } else {
            format!("{}, predicted as {}", class(score.label), class(guess))
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
    Ok(WorstClips {
        lead,
        cards,
        scenes,
    })
}

/// The probability of the true class.
fn own(score: &ClipScore) -> f64 {
    score.probabilities.get(score.label).copied().unwrap_or(0.0)
}

//! Accuracies from clip scores.

use super::{ClipScore, Confusion};
use crate::limits::CONFUSION_CLASSES;
use serde::Serialize;

/// One class of a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassRow {
    /// Its name.
    pub name: String,
    /// Clips of it.
    pub clips: usize,
    /// Share of them that was recognised, 0 to 1; none without clips.
    pub accuracy: Option<f64>,
}

/// The figures of one stream's scores; accuracies are fractions from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measures {
    /// Share whose most probable class is right.
    pub top1: f64,
    /// Share whose class is among the five most probable.
    pub top5: f64,
    /// Mean of the classes' accuracies.
    pub mean_class: f64,
    /// Mean negative logarithm of the right class's probability.
    pub loss: f64,
}

/// Accuracies, loss and confusions of scored clips; accuracies are fractions from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Clips evaluated.
    pub clips: usize,
    /// Share whose most probable class is right.
    pub top1: f64,
    /// Share whose class is among the five most probable.
    pub top5: f64,
    /// Mean of the classes' accuracies.
    pub mean_class: f64,
    /// Mean negative logarithm of the right class's probability.
    pub loss: f64,
    /// Every class.
    pub classes: Vec<ClassRow>,
    /// Clips by class (row) and most probable class (column); in JSON a matrix of up to [`CONFUSION_CLASSES`] classes.
    #[serde(skip_serializing_if = "Confusion::is_left_out")]
    pub confusion: Confusion,
    /// Why the matrix is not in the JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confusion_left_out: Option<String>,
    /// The temporal stream alone, where a fixed weight fuses the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temporal: Option<Measures>,
    /// The spatial stream alone, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spatial: Option<Measures>,
}

/// Class indices from the most to the least probable; the lower index first where two are equal.
pub fn ranking(probabilities: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    order
}

/// The label of a clip and the probabilities of one stream.
fn of_stream(score: &ClipScore, stream: usize) -> Option<(usize, &[f64])> {
    Some((score.label, &score.streams.as_ref()?[stream]))
}

impl Report {
    /// Evaluates scores; `names` are the class names by index.
    pub fn new(scores: &[ClipScore], names: &[String]) -> Self {
        let fused = scores.iter().map(|s| (s.label, &s.probabilities[..]));
        let stream = |number: usize| -> Option<Measures> {
            let alone = scores.iter().map(|score| of_stream(score, number));
            let alone: Vec<_> = alone.collect::<Option<_>>()?;
            let report = Self::of(&alone, names);
            Some(Measures {
                top1: report.top1,
                top5: report.top5,
                mean_class: report.mean_class,
                loss: report.loss,
            })
        };
        Report {
            temporal: stream(0),
            spatial: stream(1),
            ..Self::of(&fused.collect::<Vec<_>>(), names)
        }
    }

    /// The same of labels and probabilities, without the streams.
    fn of(scores: &[(usize, &[f64])], names: &[String]) -> Self {
        let count = names.len();
        let mut confusion = Confusion::new(count);
        let (mut top1, mut top5, mut loss) = (0, 0, 0.0);
        for (label, probabilities) in scores {
            let order = ranking(probabilities);
            top1 += usize::from(order.first() == Some(label));
            top5 += usize::from(order.iter().take(5).any(|c| c == label));
            // A probability of zero is the smallest number, so that one clip cannot make the mean infinite.
            loss -= probabilities[*label].max(f64::from(f32::MIN_POSITIVE)).ln();
            confusion.add(*label, order.first().copied().unwrap_or(0));
        }
        let classes: Vec<ClassRow> = names
            .iter()
            .enumerate()
            .map(|(label, name)| {
                let clips: usize = confusion.row(label).map(|(_, clips)| clips).sum();
                let right = confusion.count(label, label);
                let accuracy = (clips > 0).then(|| right as f64 / clips as f64);
                ClassRow {
                    name: name.clone(),
                    clips,
                    accuracy,
                }
            })
            .collect();
        let known: Vec<f64> = classes.iter().filter_map(|c| c.accuracy).collect();
        let share = |n: usize| n as f64 / scores.len().max(1) as f64;
        Report {
            clips: scores.len(),
            top1: share(top1),
            top5: share(top5),
            mean_class: known.iter().sum::<f64>() / known.len().max(1) as f64,
            loss: loss / scores.len().max(1) as f64,
            classes,
            confusion_left_out: confusion.is_left_out().then(|| {
                format!("{count} classes, and it is written of up to {CONFUSION_CLASSES}")
            }),
            confusion,
            temporal: None,
            spatial: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(label: usize, probabilities: &[f64]) -> ClipScore {
        ClipScore {
            clip: 0,
            label,
            probabilities: probabilities.to_vec(),
            streams: None,
        }
    }

    #[test]
    fn counts_what_is_right() {
        let names: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
        let scores = [
            score(0, &[0.5, 0.3, 0.2]),
            score(0, &[0.1, 0.7, 0.2]),
            score(1, &[0.2, 0.6, 0.2]),
            score(1, &[0.0, 1.0, 0.0]),
        ];
        let report = Report::new(&scores, &names);
        assert_eq!(report.top1, 0.75);
        assert_eq!(report.top5, 1.0);
        assert_eq!(report.mean_class, 0.75);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(
            json["confusion"],
            serde_json::json!([[1, 1, 0], [0, 2, 0], [0, 0, 0]])
        );
        assert!(json.get("confusion_left_out").is_none());
        assert_eq!(report.classes[2].accuracy, None);
        let loss = -(0.5f64.ln() + 0.1f64.ln() + 0.6f64.ln()) / 4.0;
        assert!((report.loss - loss).abs() < 1e-12);
    }

    #[test]
    fn the_matrix_of_many_classes_is_left_out() {
        let names: Vec<String> = (0..60_000).map(|n| n.to_string()).collect();
        let mut probabilities = vec![0.0; names.len()];
        probabilities[7] = 1.0;
        let report = Report::new(&[score(50_000, &probabilities)], &names);
        assert_eq!(report.confusion.mistakes(50_000), [(7, 1)]);
        let json = serde_json::to_value(&report).unwrap();
        assert!(json.get("confusion").is_none());
        assert!(
            json["confusion_left_out"]
                .as_str()
                .unwrap()
                .contains("60000")
        );
    }

    #[test]
    fn each_stream_alone() {
        let names: Vec<String> = ["a", "b"].map(String::from).to_vec();
        let both = |label, temporal: [f64; 2], spatial: [f64; 2]| ClipScore {
            streams: Some([temporal.to_vec(), spatial.to_vec()]),
            ..score(label, &[0.5, 0.5])
        };
        let mut scores = vec![
            both(0, [0.9, 0.1], [0.2, 0.8]),
            both(1, [0.4, 0.6], [0.7, 0.3]),
        ];
        let report = Report::new(&scores, &names);
        let [temporal, spatial] = [report.temporal, report.spatial].map(|m| m.expect("a stream"));
        assert_eq!((temporal.top1, spatial.top1), (1.0, 0.0));
        let loss = -(0.9f64.ln() + 0.6f64.ln()) / 2.0;
        assert!((temporal.loss - loss).abs() < 1e-12);
        scores[1].streams = None;
        let report = Report::new(&scores, &names);
        assert_eq!((report.temporal, report.spatial), (None, None));
    }

    #[test]
    fn equal_scores_go_to_the_lower_index() {
        assert_eq!(ranking(&[0.2, 0.4, 0.4]), [1, 2, 0]);
    }
}

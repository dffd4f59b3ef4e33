//! Accuracies from clip scores.

use super::ClipScore;
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

/// What scores are worth; accuracies are fractions from 0 to 1.
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
    /// Clips by class (row) and most probable class (column).
    pub confusion: Vec<Vec<usize>>,
}

/// Class indices from the most to the least probable; the lower index first where two are equal.
pub fn ranking(probabilities: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    order
}

impl Report {
    /// Sums up the scores of clips whose classes have these names.
    pub fn new(scores: &[ClipScore], names: &[String]) -> Self {
        let count = names.len();
        let mut confusion = vec![vec![0; count]; count];
        let (mut top1, mut top5, mut loss) = (0, 0, 0.0);
        for score in scores {
            let order = ranking(&score.probabilities);
            top1 += usize::from(order.first() == Some(&score.label));
            top5 += usize::from(order.iter().take(5).any(|c| *c == score.label));
            // A probability of zero is the smallest number, so that one clip cannot make the mean infinite.
            loss -= score.probabilities[score.label]
                .max(f64::from(f32::MIN_POSITIVE))
                .ln();
            confusion[score.label][order[0]] += 1;
        }
        let classes: Vec<ClassRow> = names
            .iter()
            .zip(&confusion)
            .enumerate()
            .map(|(label, (name, row))| {
                let clips: usize = row.iter().sum();
                let accuracy = (clips > 0).then(|| row[label] as f64 / clips as f64);
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
            confusion,
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
        assert_eq!(report.confusion, [[1, 1, 0], [0, 2, 0], [0, 0, 0]]);
        assert_eq!(report.classes[2].accuracy, None);
        let loss = -(0.5f64.ln() + 0.1f64.ln() + 0.6f64.ln()) / 4.0;
        assert!((report.loss - loss).abs() < 1e-12);
    }

    #[test]
    fn equal_scores_go_to_the_lower_index() {
        assert_eq!(ranking(&[0.2, 0.4, 0.4]), [1, 2, 0]);
    }
}

//! One plan for each hidden size of a model.

use super::plan::Plan;
use std::fmt;

/// Hidden sizes that a model has at most: body parts, and the layers above them and of the spatial stream.
const SIZES: usize = 4;

/// The plan of every recurrence of a model, by its hidden units: body parts and the layers above them differ in what
/// suits them, layers of one size hardly do.
///
/// As text, in a run's settings: a plan's name, which goes for every size, or `128=resident-16 512=stepwise-64x32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plans {
    /// Of a size that has none of its own.
    other: Plan,
    of: [Option<(usize, Plan)>; SIZES],
}

impl From<Plan> for Plans {
    fn from(plan: Plan) -> Self {
        Plans {
            other: plan,
            of: [None; SIZES],
        }
    }
}

impl Plans {
    /// The plan of a hidden size.
    pub fn of(&self, hidden: usize) -> Plan {
        let own = self.of.iter().flatten().find(|(size, _)| *size == hidden);
        own.map_or(self.other, |(_, plan)| *plan)
    }

    /// A plan for each hidden size; nothing where there are more than four.
    pub fn each(plans: &[(usize, Plan)]) -> Option<Self> {
        let mut all = Plans::default();
        if plans.len() > SIZES {
            return None;
        }
        for (place, plan) in all.of.iter_mut().zip(plans) {
            *place = Some(*plan);
        }
        Some(all)
    }

    /// From the text of a run's settings; nothing where it is none.
    pub fn from_text(text: &str) -> Option<Self> {
        if let Some(plan) = Plan::from_name(text) {
            return Some(plan.into());
        }
        let one = |word: &str| -> Option<(usize, Plan)> {
            let (size, name) = word.split_once('=')?;
            Some((size.parse().ok()?, Plan::from_name(name)?))
        };
        let all: Option<Vec<_>> = text.split_whitespace().map(one).collect();
        all.filter(|all| !all.is_empty())
            .and_then(|all| Plans::each(&all))
    }
}

impl fmt::Display for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own: Vec<_> = self.of.iter().flatten().collect();
        if own.is_empty() {
            return f.write_str(self.other.name());
        }
        let words = own
            .iter()
            .map(|(size, plan)| format!("{size}={}", plan.name()));
        f.write_str(&words.collect::<Vec<_>>().join(" "))
    }
}

//! The name by which a run's settings keep its device.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The device of a run: the CPU engine, or an adapter by its name and graphics interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum DeviceName {
    /// The CPU engine: `cpu`.
    Cpu,
    /// An adapter, such as `NVIDIA H200 (vulkan)`: one adapter can be reached over several interfaces.
    Adapter(String),
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DeviceName::Cpu => "cpu",
            DeviceName::Adapter(name) => name,
        })
    }
}

impl From<String> for DeviceName {
    fn from(text: String) -> Self {
        match text.as_str() {
            "cpu" => DeviceName::Cpu,
            _ => DeviceName::Adapter(text),
        }
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.to_string()
    }
}

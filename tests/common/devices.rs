//! The devices that numerics are tested on: the CPU engine always, and the adapter that the test script names.
#![allow(dead_code, reason = "each test uses its own part")]

use sinew::device::{Choice, Compute, adapters, open};
use std::sync::OnceLock;

/// The CPU engine, and behind it the adapter whose name holds `SINEW_TEST_ADAPTER` (else the first of any kind).
///
/// A named adapter that is not there fails the test; without a name and an adapter one line says so.
pub fn devices() -> &'static [Compute] {
    static DEVICES: OnceLock<Vec<Compute>> = OnceLock::new();
    DEVICES.get_or_init(own_devices)
}

/// The same devices, opened for one test alone. A device compiles its kernels one after another: tests that compile many
/// use several cores when each has a device of its own.
pub fn own_devices() -> Vec<Compute> {
    let mut devices = vec![Compute::cpu("for tests")];
    devices.extend(adapter());
    devices
}

fn adapter() -> Option<Compute> {
    let wanted = std::env::var("SINEW_TEST_ADAPTER").ok();
    let all = adapters();
    let found = match &wanted {
        Some(name) => Some(
            all.iter()
                .find(|a| a.name.to_lowercase().contains(&name.to_lowercase()))
                .unwrap_or_else(|| panic!("no adapter named like {name:?}: {all:?}")),
        ),
        None => all.first(),
    };
    let Some(adapter) = found else {
        println!("skipped on a GPU: this machine has no Vulkan, Metal or DX12 adapter");
        return None;
    };
    Some(open(Choice::Index(adapter.index)).expect("the adapter opens"))
}

//! A device that is lost in the middle of a run ends it, and the last checkpoint is whole. An error says so; where the
//! graphics layer panics before it knows of the loss, the command turns that into one line.

#[path = "common/command.rs"]
mod command;
#[path = "common/devices.rs"]
mod devices;
#[path = "common/settings.rs"]
mod settings;

use burn::tensor::Device;
use burn_wgpu::{WgpuSetup, wgpu};
use command::{TINY, made_data, must, text};
use sinew::Error;
use sinew::device::{Compute, failure};
use sinew::settings::Preset;
use sinew::shards::Prepared;
use sinew::train::ranks::single;
use sinew::train::{Checkpoint, Event, Session, Setup, Target, resolve};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A device of its own on the tests' adapter, and the handle by which it can be lost.
fn opened() -> Option<(Compute, wgpu::Device)> {
    let found = devices::devices().get(1)?.adapter.clone()?;
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::PRIMARY;
    let instance = wgpu::Instance::new(descriptor);
    let all = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    let adapter = all.into_iter().nth(found.index).expect("the same list");
    let (device, queue) = pollster::block_on(
        adapter.request_device(&wgpu::DeviceDescriptor {
            required_features: adapter
                .features()
                .difference(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS),
            required_limits: adapter.limits(),
            // As `sinew::device` opens it.
            experimental_features: unsafe { wgpu::ExperimentalFeatures::enabled() },
            ..Default::default()
        }),
    )
    .expect("it opens");
    let handle = device.clone();
    let backend = adapter.get_info().backend;
    let setup = WgpuSetup {
        instance,
        adapter,
        device,
        queue,
        backend,
    };
    let compute = Compute {
        device: Device::wgpu_options().setup(setup).init().expect("it runs"),
        adapter: Some(found),
        reason: "for the test".into(),
    };
    Some((compute, handle))
}

#[test]
fn ends_in_an_error() {
    let Some((compute, handle)) = opened() else {
        println!("skipped: no adapter");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let data = made_data(folder.path(), 48);
    let prepared = Arc::new(Prepared::open(&data).expect("data"));
    let sets = TINY.iter().filter(|set| **set != "--set");
    let more = [
        "train.epochs=9",
        "train.save_every=2",
        "run.plan=stepwise",
        "run.protocol=xsub",
    ];
    let sets: Vec<&str> = sets.copied().chain(more).collect();
    let settings = settings::written(Preset::Sinew, &sets);
    let out = folder.path().join("run");
    let target = Target {
        prepared: &prepared,
        compute: &compute,
        ranks: 1,
        folder: &out,
    };
    let settings = resolve(&settings, &target, &mut |_| ()).expect("settings");
    let setup =
        Setup::new(settings, prepared.clone(), compute, single(), &mut |_| ()).expect("a setup");
    let mut session = Session::start(setup, &out, None, &mut |_| ()).expect("a session");
    let ended = catch_unwind(AssertUnwindSafe(|| {
        session.train(&AtomicBool::new(false), &mut |event| {
            if let Event::Step { position, .. } = event
                && position.step == 5
            {
                handle.destroy();
            }
        })
    }));
    if let Ok(ended) = ended {
        let error = ended.expect_err("the device is gone");
        assert!(matches!(error, Error::Device { .. }), "{error}");
        assert_eq!(sinew::cli::exit_code(&error), 1);
        let message = error.to_string();
        let told = message.contains("the last checkpoint is whole");
        assert!(told && message.lines().count() == 1, "{message}");
    }
    drop(session);
    must(&["check", text(&out)]);
    let last = Checkpoint::newest(&out.join("checkpoints"), &mut |e| panic!("{e}"));
    assert_eq!(last.expect("whole").position.step, 4);
}

#[test]
fn what_the_graphics_layer_panics_with_is_one_line() {
    let panic = |said: &str| format!("panicked at src/x.rs:42:17:\nwgpu error: {said}");
    let said = |said: &str| failure(&panic(said)).expect("its own").to_string();
    let memory = said("Out of Memory\n\nCaused by:\n  In Device::create_buffer");
    assert!(memory.contains("ran out of memory") && memory.contains("train.accumulate"));
    let other = said("Validation Error\n\nCaused by:\n  In Queue::write_buffer");
    assert!(
        other.contains("the device failed: Validation Error"),
        "{other}"
    );
    for message in [memory, other] {
        assert!(
            message.contains("the last checkpoint is whole"),
            "{message}"
        );
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    assert!(failure("index out of bounds").is_none());
}

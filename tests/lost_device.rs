//! A device that is lost in the middle of a run ends it with an error, and its last checkpoint is whole.

#[path = "common/command.rs"]
mod command;
#[path = "common/devices.rs"]
mod devices;

use burn::tensor::Device;
use burn_wgpu::{WgpuSetup, wgpu};
use command::{TINY, made_data, must, text};
use sinew::Error;
use sinew::device::Compute;
use sinew::recipe::resolve;
use sinew::shards::Prepared;
use sinew::train::ranks::alone;
use sinew::train::{Checkpoint, Event, Run, Session, Start, for_data, for_device};
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
            // As the device room opens it.
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
    let more = ["train.epochs=9", "train.save_every=2", "run.plan=stepwise"];
    let sets: Vec<String> = sets.chain(&more).map(|set| (*set).to_string()).collect();
    let mut recipe = resolve("sinew", None, &sets).expect("settings");
    recipe.run.protocol = "xsub".into();
    let out = folder.path().join("run");
    let mut recipe = for_data(&recipe, &prepared, &out).expect("settled");
    for_device(&mut recipe, &compute, &mut |_| ()).expect("a plan");
    let run = Run::create(&out, recipe).expect("a run");
    let mut session = Session::new(run, prepared, compute, alone(), Start::Fresh, &mut |_| ())
        .expect("a session");
    let ended = session.train(&AtomicBool::new(false), &mut |event| {
        if let Event::Step { position, .. } = event
            && position.step == 5
        {
            handle.destroy();
        }
    });
    let error = ended.expect_err("the device is gone");
    assert!(matches!(error, Error::Device { .. }), "{error}");
    assert_eq!(error.exit_code(), 1);
    let message = error.to_string();
    assert!(
        message.contains("the last checkpoint is whole"),
        "{message}"
    );
    assert_eq!(message.lines().count(), 1, "{message}");
    drop(session);
    must(&["check", text(&out)]);
    let last = Checkpoint::newest(&out.join("checkpoints"), &mut |e| panic!("{e}"));
    assert_eq!(last.expect("whole").position.step, 4);
}

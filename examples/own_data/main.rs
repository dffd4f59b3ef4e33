//! Trains on skeletons that a program has in memory: `cargo run --release --example own_data`.

mod waves;

use sinew::error::Place;
use sinew::prepare::Collection;
use sinew::settings::{Preset, Settings};
use sinew::skeleton::{About, Layout};
use sinew::train::{Event, Start, begin};
use sinew::{Result, device::Choice};
use std::{path::Path, sync::Arc, sync::atomic::AtomicBool};

fn main() -> Result<()> {
    train(Path::new("own-data"))
}

pub fn train(folder: &Path) -> Result<()> {
    let layout = Layout::from_toml(waves::LAYOUT, &Place::file("waves.rs"))?;
    let classes = ["left wave", "right wave"];
    let mut data = Collection::create(folder.join("data"), &layout, &classes)?;
    for clip in waves::clips() {
        let about = About::in_split(clip.split);
        data.add(&clip.name, clip.class, about, &clip.shape, &clip.data)?;
    }
    let data = Arc::new(data.finish()?);

    let settings = Settings::preset(Preset::Sinew)?;
    let settings = settings.with(&["run.protocol=split", "train.epochs=12"])?;
    let (run, device) = (folder.join("run"), Choice::Auto);
    let mut session = begin(&settings, data, &run, device, Start::Fresh, &mut |_| {})?;
    session.train(&AtomicBool::new(false), &mut |event| {
        if let Event::Epoch { metrics, .. } = event {
            println!("epoch {}: loss {:.3}", metrics.epoch, metrics.loss);
        }
    })?;
    session.best()?.write(&folder.join("weights.safetensors"))
}

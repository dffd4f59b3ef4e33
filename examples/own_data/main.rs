//! Trains on skeletons that a program has in memory: `cargo run --release --example own_data`.

mod waves;

use sinew::Result;
use sinew::error::Place;
use sinew::export::ExportOptions;
use sinew::prepare::Collection;
use sinew::settings::{Preset, Settings};
use sinew::skeleton::{About, Layout};
use sinew::train::{Event, TrainOptions};
use std::path::Path;

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
    let data = data.finish()?;

    let settings = Settings::preset(Preset::Sinew)?;
    let settings = settings.with(&["run.protocol=split", "train.epochs=12"])?;
    let options = TrainOptions::new(settings, data.folder(), folder.join("run"));
    let trained = sinew::train(&options, &mut |event| {
        if let Event::Epoch { metrics, .. } = event {
            println!("epoch {}: loss {:.3}", metrics.epoch, metrics.loss);
        }
    })?;
    let export = ExportOptions::new(trained.run, folder.join("weights.safetensors"));
    sinew::export(&export, &mut |_| {})?;
    Ok(())
}

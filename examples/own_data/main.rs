//! Trains on skeletons that a program has in memory: `cargo run --release --example own_data`.

mod waves;

use sinew::prepare::Collection;
use sinew::skeleton::About;
use sinew::train::Event;
use sinew::{ExportOptions, Layout, Preset, Result, Settings, TrainOptions, export, train};
use std::path::Path;

fn main() -> Result<()> {
    train_on_waves(Path::new("own-data"))
}

pub fn train_on_waves(folder: &Path) -> Result<()> {
    let [data, run, weights] = ["data", "run", "weights.safetensors"].map(|name| folder.join(name));
    let layout: Layout = waves::LAYOUT.parse()?;
    let mut collection = Collection::create(&data, &layout, &["left wave", "right wave"])?;
    for clip in waves::clips() {
        let about = About::in_split(clip.split);
        collection.add(&clip.name, clip.class, about, &clip.shape, &clip.data)?;
    }
    collection.finish()?;

    let sets = ["run.protocol=split", "train.epochs=12"];
    let settings = Settings::layered(Preset::Sinew, None, &sets)?;
    train(&TrainOptions::new(&data, &run, settings), &mut |event| {
        if let Event::Epoch { metrics, .. } = event {
            println!("epoch {}: loss {:.3}", metrics.epoch, metrics.loss);
        }
    })?;
    export(&ExportOptions::new(&run, &weights), &mut |_| {})?;
    Ok(())
}

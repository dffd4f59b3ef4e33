//! Two ranks and four learn what one does, dropout and odd batches included; all stop when one is asked to, and a run
//! goes on with another number of them. Here ranks are threads; `ranks_agree` does the same with processes.

use crate::command;
use crate::settings;
use sinew::Error;
use sinew::device::Choice;
use sinew::settings::{Preset, Settings};
use sinew::train::ranks::{Rank, Ranks};
use sinew::train::{
    EpochMetrics, Event, Position, ResumeOptions, Run, TrainOptions, join, open_session, start,
};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

type Link = (Sender<Vec<f64>>, Receiver<Vec<f64>>);

/// A rank that is a thread, linked with the first one, as that is with all others.
struct Thread {
    number: usize,
    of: usize,
    links: Mutex<Vec<Link>>,
}

/// Some ranks that are threads.
fn threads(of: usize) -> Vec<Arc<dyn Ranks>> {
    let (mut first, mut others) = (Vec::new(), Vec::new());
    for _ in 1..of {
        let ((to, at), (back, here)) = (channel(), channel());
        first.push((back, at));
        others.push(vec![(to, here)]);
    }
    std::iter::once(first)
        .chain(others)
        .enumerate()
        .map(|(number, links)| -> Arc<dyn Ranks> {
            let links = Mutex::new(links);
            Arc::new(Thread { number, of, links })
        })
        .collect()
}

impl Thread {
    /// What the first rank makes of its own values and those of the others, in their order. A rank that is gone ends those
    /// that wait for it.
    fn exchange(&self, mine: Vec<f64>, join: impl Fn(&mut [f64], &[f64])) -> Vec<f64> {
        let links = self.links.lock().expect("links");
        let (gone, mut all) = ("another rank is gone", mine);
        if self.number > 0 {
            links[0].0.send(all).expect(gone);
            return links[0].1.recv().expect(gone);
        }
        for (_, from) in links.iter() {
            join(&mut all, &from.recv().expect(gone));
        }
        for (to, _) in links.iter() {
            to.send(all.clone()).expect(gone);
        }
        all
    }
}

fn add(all: &mut [f64], more: &[f64]) {
    assert_eq!(all.len(), more.len(), "the ranks make other calls");
    all.iter_mut().zip(more).for_each(|(a, b)| *a += b);
}

impl Ranks for Thread {
    fn rank(&self) -> Rank {
        let (number, of) = (self.number, self.of);
        Rank {
            index: number,
            count: of,
            local_index: number,
            local_count: of,
        }
    }

    fn sum(&self, values: &mut [f32]) {
        let mine = values.iter().map(|v| f64::from(*v)).collect();
        let sums = self.exchange(mine, add);
        values.iter_mut().zip(sums).for_each(|(v, s)| *v = s as f32);
    }

    fn sum_doubles(&self, values: &mut [f64]) {
        values.copy_from_slice(&self.exchange(values.to_vec(), add));
    }

    fn broadcast(&self, message: Vec<u8>) -> Vec<u8> {
        let message = message.into_iter().map(f64::from).collect();
        let told = self.exchange(message, |_, _| {});
        told.into_iter().map(|byte| byte as u8).collect()
    }

    fn abort(&self, _code: u8) {}
}

fn settings(more: &[&str]) -> Settings {
    let sets = [
        "run.protocol=xsub",
        "model.hidden=8",
        "model.dropout=0.4",
        "model.recurrent_dropout=0.2",
        "data.frames=12",
        "train.batch=10",
        "train.accumulate=2",
        "train.validation=0.3",
        "train.epochs=4",
    ];
    settings::written(Preset::Sinew, &[&sets[..], more].concat())
}

/// Trains, or goes on where the folder holds a run, with several ranks, the last of which is asked to stop at a step. How
/// it ended at each, and where.
fn train(
    settings: &Settings,
    (data, out): (&Path, &Path),
    of: usize,
    stop_at: Option<usize>,
) -> Vec<(Result<(), Error>, Position)> {
    let one = |ranks: Arc<dyn Ranks>| {
        let rank = ranks.rank();
        let session = if !rank.leads() {
            join(ranks, out, Some(Choice::Cpu), &mut |_| {})
        } else if Run::exists(out) {
            let mut options = ResumeOptions::new(out);
            options.ranks = ranks;
            open_session(&options, &mut |_| {})
        } else {
            let mut options = TrainOptions::new(data, out, settings.clone());
            (options.device, options.ranks) = (Choice::Cpu, ranks);
            start(&options, &mut |_| {})
        };
        let mut session = session.expect("it begins");
        let stop = AtomicBool::new(false);
        let ended = session.train(&stop, &mut |event| match event {
            Event::Step { position, .. } if rank.index + 1 == rank.count => {
                stop.store(stop_at == Some(position.step), Ordering::Relaxed);
            }
            // A last batch that leaves ranks without a row.
            Event::Started { samples, .. } => {
                assert!((1..4).contains(&(samples % 10)), "{samples}");
            }
            _ => {}
        });
        (ended, session.position().clone())
    };
    std::thread::scope(|scope| {
        let started: Vec<_> = threads(of)
            .into_iter()
            .map(|ranks| scope.spawn(|| one(ranks)))
            .collect();
        let ended = started.into_iter().map(|thread| thread.join());
        ended.map(|ended| ended.expect("no panic")).collect()
    })
}

/// The same, which must end well, or where all were stopped.
fn trained(data: &Path, out: &Path, of: usize, stop_at: Option<usize>) -> Vec<EpochMetrics> {
    for (ended, position) in train(&settings(&[]), (data, out), of, stop_at) {
        match (stop_at, ended) {
            (None, ended) => ended.expect("it trains"),
            (Some(step), Err(Error::Interrupted(_))) => assert_eq!(position.step, step),
            (Some(_), ended) => panic!("no rank goes on: {ended:?}"),
        }
    }
    Run::metrics(out).expect("metrics")
}

#[test]
fn one_two_and_four() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = command::made_data(folder.path(), 64);
    let [one, two, four, odd] = ["one", "two", "four", "odd"].map(|name| folder.path().join(name));
    let expected = trained(&data, &one, 1, None);
    assert_eq!(expected.len(), 4);
    trained(&data, &odd, 4, Some(3));
    trained(&data, &odd, 3, Some(6));
    for (what, found) in [
        ("two", trained(&data, &two, 2, None)),
        ("four", trained(&data, &four, 4, None)),
        ("four, three, then two", trained(&data, &odd, 2, None)),
    ] {
        assert_eq!(found.len(), expected.len(), "{what}");
        for (a, b) in found.iter().zip(&expected) {
            let apart = (a.loss - b.loss).abs();
            let held_out = |m: &EpochMetrics| m.validation_loss.expect("held-out clips");
            let apart = apart.max((held_out(a) - held_out(b)).abs());
            println!("{what}, epoch {}: {apart:.1e} from {:.4}", a.epoch, b.loss);
            assert!(apart < 1e-4, "{what}: {a:?} beside {b:?}");
            assert_eq!((a.step, a.best), (b.step, b.best), "{what}");
        }
    }
}

#[test]
fn where_numbers_are_lost_all_do_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = command::made_data(folder.path(), 64);
    // Each step multiplies the weights by more than a thousand.
    let wild = [
        "train.optimiser=sgd",
        "train.lr=1e6",
        "train.weight_decay=1",
        "train.clip_norm=0",
        "train.diverged=back",
    ];
    let out = folder.path().join("run");
    let mut said = Vec::new();
    for (ended, position) in train(&settings(&wild), (&data, &out), 3, None) {
        let error = ended.expect_err("no number");
        assert!(matches!(error, Error::Diverged { .. }), "{error}");
        // All went back as often as they may.
        assert_eq!(position.returns, 3);
        said.push(error.to_string());
    }
    assert!(said.iter().all(|text| *text == said[0]), "{said:?}");
    assert!(said[0].contains("of the clips"), "{}", said[0]);
}

//! One, two or more ranks see the same global batches: each has its share of every one, and nothing is there twice.

use crate::clips;
use sinew::loader::{Batch, Loader};
use sinew::rng::Rng;
use sinew::skeleton::{About, Layout};
use std::sync::Arc;

#[test]
fn shares_laid_side_by_side_are_the_batch() {
    let folder = tempfile::tempdir().expect("a folder");
    let (layout, mut rng) = (Layout::sbu15(), Rng::new(1, &[]));
    let made = (0..29).map(|i| {
        let clip = clips::clip(&format!("clip{i}"), i % 3, 1, 20, &layout, false, &mut rng);
        (clip, About::in_split("train"))
    });
    let prepared = clips::prepared(folder.path(), "clips", &layout, made.collect());
    let all: Vec<usize> = (0..prepared.len()).collect();
    let epoch = |rank, ranks, from| -> Vec<Batch> {
        let (data, augment) = (clips::plain(8), clips::everything());
        Loader::train(Arc::clone(&prepared), &all, &data, &augment, (9, 5, 2))
            .expect("a loader")
            .dealt(rank, ranks)
            .epoch(3, from)
            .collect::<Result<_, _>>()
            .expect("batches")
    };
    let whole = epoch(0, 1, 0);
    // The last one has fewer rows than there are ranks below.
    assert_eq!(
        whole.iter().map(Batch::len).collect::<Vec<_>>(),
        [9, 9, 9, 2]
    );
    for ranks in [2, 3, 4] {
        let shares: Vec<_> = (0..ranks).map(|rank| epoch(rank, ranks, 0)).collect();
        for (number, global) in whole.iter().enumerate() {
            let mut laid = Batch {
                x: Vec::new(),
                labels: Vec::new(),
                clips: Vec::new(),
                ..global.clone()
            };
            for share in shares.iter().map(|share| &share[number]) {
                assert_eq!(share.before, laid.len(), "{ranks} ranks, batch {number}");
                assert_eq!(
                    share.global(),
                    global.len(),
                    "{ranks} ranks, batch {number}"
                );
                assert!(share.len() <= global.len().div_ceil(ranks), "an even share");
                laid.x.extend(&share.x);
                laid.labels.extend(&share.labels);
                laid.clips.extend(&share.clips);
            }
            assert!(laid == *global, "{ranks} ranks, batch {number}");
        }
        assert!(
            epoch(1, ranks, 2) == shares[1][2..],
            "entered in the middle"
        );
    }
}

//! Archives and folders of skeletons: what is read, what is refused, and how, up to prepared data.

#[path = "../common/clips.rs"]
mod clips;
#[path = "../common/command.rs"]
mod command;
#[path = "../common/npy.rs"]
mod npy;
#[path = "../common/python.rs"]
mod python;
#[path = "../common/raw_zip.rs"]
mod raw_zip;
#[path = "../common/skeleton_text.rs"]
mod skeleton_text;
#[path = "../common/waves.rs"]
mod waves;

mod arrays_that_look_wrong;
mod bad_clip;
mod beside_the_clips;
mod cases_of_others;
mod clips_table;
mod damaged_zip;
mod edited_clips;
mod fuzz_corpus;
mod hostile_archives;
mod inspect_counts;
mod interrupted_prepare;
mod killed_prepare;
mod lacking_sets;
mod layout_faults;
mod layouts;
mod lone_arrays;
mod missing_list;
mod other_kinds_are_refused;
mod own_clips;
mod pickles_convert;
mod prepared_version;
mod real_clips;
mod same_bytes;
mod sbu_clips;
mod synth_archive;
mod synth_needs_order;
mod tracks;

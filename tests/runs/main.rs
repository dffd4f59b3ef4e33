//! A run on disk: resumed, killed, damaged, mended and ended runs.

#[path = "../common/clips.rs"]
mod clips;
#[path = "../common/command.rs"]
mod command;
#[path = "../common/diverging.rs"]
mod diverging;
#[path = "../common/events.rs"]
mod events;
#[path = "../common/kill_at.rs"]
mod kill_at;
#[path = "../common/runs.rs"]
mod runs;
#[path = "../common/skeleton_text.rs"]
mod skeleton_text;

mod checkpoints_kept;
mod crossval_goes_on;
mod cut_short;
mod damage_is_noticed;
mod ends_in_the_same_files;
mod full_disk;
mod killed_in_a_write;
mod mended_runs;
mod nothing_is_overwritten;
mod one_process_a_run;
mod outlives_its_terminal;
mod refused_starts;
mod resume_exact;

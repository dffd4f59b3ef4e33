//! The commands as users call them: options, messages, figures, pages.

#[path = "../common/command.rs"]
mod command;
#[path = "../common/npy.rs"]
mod npy;
#[path = "../common/settings.rs"]
mod settings;
#[path = "../common/waves.rs"]
mod waves;

mod bench_data;
mod bench_rows;
mod command_line;
mod demo_learns;
mod documents;
mod eval_adds_up;
mod library_matches_commands;
mod limits;
mod predict_over_time;
mod progress_is_told;
mod report_page;

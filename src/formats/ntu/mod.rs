//! NTU RGB+D: `.skeleton` files, names `SsssCcccPpppRrrrAaaa`, the lists of missing skeletons and the class names.
//!
//! ```text
//! <frames>
//!   <bodies>                                  a frame, 0 to 6 bodies
//!     <body id> and nine more numbers         a body
//!     <joints>                                25
//!       <x> <y> <z> and nine more numbers     a joint
//! ```

mod name;
mod plain;
mod text;

pub use name::{Name, classes, is_missing, missing};
pub use text::{Tracks, parse};

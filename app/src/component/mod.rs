//! What one sees. Each component's style stands in the file of the same name under `style/`.

mod icon;
mod logo;
mod public_frame;

pub use icon::{Icon, Sign};
pub use logo::Logo;
pub use public_frame::PublicFrame;

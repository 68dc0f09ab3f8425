//! Draws the picker and the request form, and reads what people filled in.

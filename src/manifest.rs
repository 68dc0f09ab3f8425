//! Turns HCL text into a catalog of flows, or into all complaints at once, each with its place.

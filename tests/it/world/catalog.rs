//! Flows for the worlds.

use std::path::Path;
use sym::manifest::{Catalog, Options, load as load_manifests};

pub(crate) fn load(folder: &Path) -> Catalog {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match load_manifests(&root.join(folder), &Options::default()) {
        Ok(loaded) => loaded.catalog,
        Err(complaints) => panic!("{complaints}"),
    }
}

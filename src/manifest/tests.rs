use super::*;

#[test]
fn examples() {
    let loaded = load(Path::new("manifests"), &Options::default());
    match loaded { Ok(l) => { println!("{}\n{}", l.warnings, describe(&l.catalog)); println!("{:#?}", l.catalog.integrations) }, Err(c) => { println!("{c}"); println!("{}", c.render(true)); panic!() } }
}

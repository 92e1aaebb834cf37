//! `cargo xtask images`: the images of the servers that tests run.
//!
//! Each one is a small layer of ours, `crates/testkit/images`, on the official image; where no registry can be reached, on
//! one that is put together from Debian's packages. Nobody has to know: `cargo xtask test` makes what is missing.

use std::time::{Duration, Instant};

use anyhow::Context;

use crate::engine::Engine;
use crate::process::{self, Output};

mod debian;
mod recipe;

use recipe::Recipe;

/// So long may a registry take. Where none can be reached the answer is there at once, or never.
const PULL_LIMIT: Duration = Duration::from_secs(60);

/// The label of an image that says from which recipe it was made.
const RECIPE: &str = "org.keywheel.recipe";

/// What `cargo xtask images` takes.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Make them even if they are there.
    #[arg(long)]
    force: bool,
    /// Ask no registry, and make them from Debian's packages.
    #[arg(long)]
    no_registry: bool,
}

/// Makes the images that are missing, and says which are there.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let engine = Engine::find()?;
    for recipe in recipe::all()? {
        if args.force || !is_made(engine, &recipe) {
            make(engine, &recipe, args.no_registry)?;
        } else {
            println!("images: {} is there", recipe.image);
        }
    }
    Ok(())
}

/// Makes the images that are missing or older than their recipes.
pub(crate) fn ensure(engine: Engine) -> anyhow::Result<()> {
    for recipe in recipe::all()? {
        if !is_made(engine, &recipe) {
            make(engine, &recipe, false)?;
        }
    }
    Ok(())
}

fn make(engine: Engine, recipe: &Recipe, no_registry: bool) -> anyhow::Result<()> {
    let (start, name) = (Instant::now(), &recipe.image);
    let base = base(engine, recipe, no_registry).with_context(|| format!("could not make {name}"))?;
    build(engine, recipe, &base)?;
    if base.starts_with(debian::BASE) {
        process::answers(engine.command().args(["rmi", &base]));
    }
    // The image of an older recipe has lost its name. What a container still uses stays until the next time.
    let ours = format!("label={RECIPE}");
    process::answers(engine.command().args(["image", "prune", "--force", "--filter", &ours]));
    println!("images: made {name} in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// True if the image is there, and made from what the recipe says now.
fn is_made(engine: Engine, recipe: &Recipe) -> bool {
    let made_from = format!("{{{{index .Config.Labels \"{RECIPE}\"}}}}");
    let mut inspect = engine.command();
    inspect.args(["image", "inspect", "--format", &made_from, &recipe.image]);
    process::run(&mut inspect, Output::Keep).is_ok_and(|run| run.success && run.last_line() == recipe.digest)
}

/// An image with the server, by its name in the engine.
fn base(engine: Engine, recipe: &Recipe, no_registry: bool) -> anyhow::Result<String> {
    if !no_registry {
        println!("images: asking a registry for {}", recipe.official);
        let pulled = process::succeeds_within(engine.command().args(["pull", recipe.official]), PULL_LIMIT)?;
        if pulled {
            return Ok(recipe.official.to_owned());
        }
        println!("images: no registry can be reached");
    }
    println!("images: putting {} together from packages", recipe.name);
    debian::base(engine, recipe)
}

/// The image itself, on its base.
fn build(engine: Engine, recipe: &Recipe, base: &str) -> anyhow::Result<()> {
    let (base, digest) = (format!("BASE={base}"), format!("RECIPE={}", recipe.digest));
    let folder = recipe.folder();
    let folder = folder.to_string_lossy();
    let args = [
        "build",
        "--tag",
        &recipe.image,
        "--build-arg",
        &base,
        "--build-arg",
        &digest,
        &folder,
    ];
    engine.run(&args).map(|_| ())
}

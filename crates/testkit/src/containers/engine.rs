//! What is asked of the engine, and what is said if it does not do it.

use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::RemoveContainerOptionsBuilder;
use testcontainers::core::client::docker_client_instance;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, TestcontainersError};

/// What to do when there is none. `cargo xtask test` says the same before it runs anything.
const NO_ENGINE: &str = "no container engine answers: start Docker or Podman, \
     or leave out the tests that need one: `cargo xtask test --no-containers`";

/// Starts the container of that name and image; panics with a line that says what to do if it cannot.
pub(super) async fn start(
    request: ContainerRequest<GenericImage>,
    name: &str,
    image: &str,
) -> ContainerAsync<GenericImage> {
    match request.start().await {
        Ok(container) => container,
        Err(error) => {
            let why = explain(error, name, image).await;
            panic!("{why}")
        }
    }
}

async fn explain(error: TestcontainersError, name: &str, image: &str) -> String {
    let Some(engine) = answering().await else {
        return NO_ENGINE.to_owned();
    };
    // One that was created and could not be started has no handle yet that would remove it.
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let _absent = engine.remove_container(name, Some(options)).await;
    if engine.inspect_image(image).await.is_err() {
        return format!("the image {image} is missing: `cargo xtask images` makes it");
    }
    format!("the engine could not start {image}: {error}")
}

async fn answering() -> Option<Docker> {
    let engine = docker_client_instance().await.ok()?;
    engine.ping().await.ok()?;
    Some(engine)
}

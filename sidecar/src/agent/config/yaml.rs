//! YAML into a type, with the place of what is wrong.

use serde::de::DeserializeOwned;

use crate::agent::table_endpoint::PathError;

/// Reads a document. The first fault stops the reading: YAML and types have no second.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, PathError> {
    let mut place = String::new();
    let result = serde_saphyr::with_deserializer_from_str(text, |deserializer| {
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            place = error.path().to_string();
            error.into_inner()
        })
    });
    result.map_err(|error: serde_saphyr::Error| {
        // serde_path_to_error's words for "the whole" and "the text ended here".
        let path = place.trim_end_matches('?').trim_end_matches('.').to_owned();
        PathError { path, message: error.without_snippet().to_string() }
    })
}

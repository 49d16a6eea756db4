//! Objects in, a site out.

use super::Index;
use crate::sources::cluster::settings::Settings;

#[test]
fn without_objects_there_is_home_and_nothing_else() {
    let mut index = Index::new(Settings::of_home("403"));
    let picture = index.site();
    assert_eq!(picture.site.zones.keys().collect::<Vec<_>>(), ["403"]);
    assert!(zoneway_site::Site::try_from(picture.site.as_ref()).is_ok());
}

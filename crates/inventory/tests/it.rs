//! What is built in, run as it is shipped.

mod files;
mod live;

use yagura_content::Library;
use yagura_inventory::mapping;

#[test]
fn the_built_in_resource_files_do_what_they_say() {
    let library = Library::builtin().expect("content loads");
    let errors = mapping::test(&library);
    assert!(errors.is_empty(), "{}", errors.iter().map(|e| format!("{e}\n")).collect::<String>());
}

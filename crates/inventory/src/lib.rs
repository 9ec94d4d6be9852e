//! Evidence of what is: live accounts, AWS Config snapshots, CloudFormation templates and Terraform plans, all read
//! into [`yagura_model::Resource`]s in the CloudFormation schema's shape.
//!
//! What a type's answers look like and how they are reshaped is content (`content/resources`), read by [`mapping`];
//! [`live`] calls AWS, [`files`] reads files.

pub mod files;
pub mod live;
pub mod mapping;

//! The table of CloudTrail events: name, columns and partitions as Amazon Security Lake's source version 2 has them,
//! with OCSF 1.8's attributes. Its columns are the attributes of [`crate::ocsf::Event`], under the same names.

use iceberg::spec::{
    ListType, MapType, NestedField, NestedFieldRef, PrimitiveType, Schema, StructType, Transform, Type,
    UnboundPartitionSpec,
};
use iceberg::{NamespaceIdent, Result, TableCreation, TableIdent};
use std::sync::Arc;

pub const NAMESPACE: &str = "amazon_security_lake";
pub const TABLE: &str = "cloud_trail_mgmt_2_0";

/// Columns that are not OCSF: what Security Lake partitions by, beside `time_dt`.
pub(crate) const REGION: &str = "region";
pub(crate) const ACCOUNT: &str = "accountid";

pub(crate) fn ident() -> TableIdent {
    TableIdent::new(namespace(), TABLE.to_owned())
}

pub(crate) fn namespace() -> NamespaceIdent {
    NamespaceIdent::new(NAMESPACE.to_owned())
}

const TEXT: PrimitiveType = PrimitiveType::String;
const INT: PrimitiveType = PrimitiveType::Int;
const LONG: PrimitiveType = PrimitiveType::Long;
const FLAG: PrimitiveType = PrimitiveType::Boolean;
const INSTANT: PrimitiveType = PrimitiveType::Timestamptz;

/// Gives each field the next id. Ids are for good: a new column goes to the end.
#[derive(Default)]
struct Ids(i32);

impl Ids {
    fn next(&mut self) -> i32 {
        self.0 += 1;
        self.0
    }

    fn field(&mut self, name: &str, kind: impl Into<Type>) -> NestedFieldRef {
        Arc::new(NestedField::optional(self.next(), name, kind.into()))
    }

    fn texts(&mut self, names: &[&str]) -> Vec<NestedFieldRef> {
        names.iter().map(|name| self.field(name, TEXT)).collect()
    }

    fn record(&mut self, name: &str, fields: Vec<NestedFieldRef>) -> NestedFieldRef {
        self.field(name, Type::Struct(StructType::new(fields)))
    }

    fn list(&mut self, name: &str, element: Type) -> NestedFieldRef {
        let element = Arc::new(NestedField::list_element(self.next(), element, false));
        self.field(name, Type::List(ListType::new(element)))
    }

    fn account(&mut self, name: &str) -> NestedFieldRef {
        let mut fields = self.texts(&["uid", "type"]);
        fields.push(self.field("type_id", INT));
        self.record(name, fields)
    }

    fn user(&mut self, name: &str) -> NestedFieldRef {
        let mut fields = self.texts(&["type", "name", "uid", "uid_alt", "credential_uid"]);
        fields.push(self.account("account"));
        self.record(name, fields)
    }

    fn session(&mut self, name: &str) -> NestedFieldRef {
        let mut fields = self.texts(&["uid", "issuer", "credential_uid"]);
        fields.extend([
            self.field("created_time", LONG),
            self.field("created_time_dt", INSTANT),
            self.field("is_mfa", FLAG),
        ]);
        self.record(name, fields)
    }

    fn named(&mut self, name: &str) -> NestedFieldRef {
        let fields = self.texts(&["name"]);
        self.record(name, fields)
    }

    fn endpoint(&mut self, name: &str) -> NestedFieldRef {
        let fields = self.texts(&["ip", "domain", "name", "svc_name", "uid"]);
        self.record(name, fields)
    }
}

pub(crate) fn schema() -> Result<Schema> {
    let mut ids = Ids::default();
    let mut fields = vec![
        ids.field("time_dt", INSTANT),
        ids.field(REGION, TEXT),
        ids.field(ACCOUNT, TEXT),
        ids.field("time", LONG),
        ids.field("class_uid", INT),
        ids.field("class_name", TEXT),
        ids.field("category_uid", INT),
        ids.field("category_name", TEXT),
        ids.field("activity_id", INT),
        ids.field("activity_name", TEXT),
        ids.field("type_uid", LONG),
        ids.field("type_name", TEXT),
        ids.field("severity_id", INT),
        ids.field("severity", TEXT),
        ids.field("status_id", INT),
        ids.field("status", TEXT),
        ids.field("status_code", TEXT),
        ids.field("status_detail", TEXT),
    ];
    fields.extend([metadata(&mut ids), api(&mut ids), cloud(&mut ids), actor(&mut ids)]);
    fields.extend([
        ids.user("user"),
        ids.session("session"),
        ids.named("service"),
        policy(&mut ids),
        ids.field("is_mfa", FLAG),
        ids.field("auth_protocol_id", INT),
        ids.field("auth_protocol", TEXT),
        ids.endpoint("src_endpoint"),
        ids.endpoint("dst_endpoint"),
        http_request(&mut ids),
        resources(&mut ids),
        observables(&mut ids),
        unmapped(&mut ids),
        ids.field("raw_data", TEXT),
    ]);
    Schema::builder().with_fields(fields).build()
}

fn metadata(ids: &mut Ids) -> NestedFieldRef {
    let mut product = ids.texts(&["name", "vendor_name", "version"]);
    product.push(ids.named("feature"));
    let mut fields = vec![ids.record("product", product)];
    fields.extend(ids.texts(&["event_code", "uid", "correlation_uid", "version"]));
    fields.push(ids.list("profiles", TEXT.into()));
    ids.record("metadata", fields)
}

fn api(ids: &mut Ids) -> NestedFieldRef {
    let mut fields = ids.texts(&["operation", "version"]);
    fields.push(ids.named("service"));
    let request = ids.texts(&["uid", "data"]);
    fields.push(ids.record("request", request));
    let response = ids.texts(&["error", "message", "data"]);
    fields.push(ids.record("response", response));
    ids.record("api", fields)
}

fn cloud(ids: &mut Ids) -> NestedFieldRef {
    let mut fields = ids.texts(&["provider", "region"]);
    fields.push(ids.account("account"));
    ids.record("cloud", fields)
}

fn actor(ids: &mut Ids) -> NestedFieldRef {
    let mut fields = vec![ids.user("user"), ids.session("session")];
    fields.extend(ids.texts(&["invoked_by", "app_name"]));
    fields.push(ids.named("idp"));
    ids.record("actor", fields)
}

fn policy(ids: &mut Ids) -> NestedFieldRef {
    let fields = ids.texts(&["uid", "name"]);
    ids.record("policy", fields)
}

fn http_request(ids: &mut Ids) -> NestedFieldRef {
    let fields = ids.texts(&["user_agent"]);
    ids.record("http_request", fields)
}

fn resources(ids: &mut Ids) -> NestedFieldRef {
    let mut fields = ids.texts(&["uid", "type"]);
    let account = ids.account("account");
    fields.push(ids.record("owner", vec![account]));
    ids.list("resources", Type::Struct(StructType::new(fields)))
}

fn observables(ids: &mut Ids) -> NestedFieldRef {
    let mut fields = ids.texts(&["name", "type", "value"]);
    fields.push(ids.field("type_id", INT));
    ids.list("observables", Type::Struct(StructType::new(fields)))
}

fn unmapped(ids: &mut Ids) -> NestedFieldRef {
    let key = Arc::new(NestedField::map_key_element(ids.next(), TEXT.into()));
    let value = Arc::new(NestedField::map_value_element(ids.next(), TEXT.into(), false));
    ids.field("unmapped", Type::Map(MapType::new(key, value)))
}

pub(crate) fn creation() -> Result<TableCreation> {
    let schema = schema()?;
    let mut spec = UnboundPartitionSpec::builder();
    for (column, name, transform) in [
        ("time_dt", "time_dt_day", Transform::Day),
        (REGION, REGION, Transform::Identity),
        (ACCOUNT, ACCOUNT, Transform::Identity),
    ] {
        if let Some(id) = schema.field_id_by_name(column) {
            spec = spec.add_partition_field(id, name, transform)?;
        }
    }
    let properties = [("write.parquet.compression-codec", "zstd"), ("write.metadata.previous-versions-max", "20")];
    Ok(TableCreation::builder()
        .name(TABLE.to_owned())
        .schema(schema)
        .partition_spec(spec.build())
        .properties(properties.map(|(key, value)| (key.to_owned(), value.to_owned())))
        .build())
}

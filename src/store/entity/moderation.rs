//! What moderators did.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "moderation")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub act: String,
    pub user_id: Option<i64>,
    pub moderator_id: Option<i64>,
    pub reason: Option<String>,
    pub created_at: i64,
    pub wall: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

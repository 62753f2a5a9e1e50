//! Accounts.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub username: String,
    pub username_key: String,
    pub names: String,
    pub display_name: String,
    pub bio: String,
    pub avatar_url: Option<String>,
    pub handle: Option<String>,
    pub url: Option<String>,
    pub is_moderator: bool,
    pub password_hash: Option<String>,
    pub created_at: i64,
    pub tweet_count: i64,
    pub follower_count: i64,
    pub following_count: i64,
    pub deleted_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! Looks, grants and revokes; repeatable; says *revoked* only when it has seen the access gone.

//! The suite that every driver passes by calling it.

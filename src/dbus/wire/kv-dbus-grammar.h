/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a text must look like to be one of those that D-Bus has rules for (D-Bus specification, "Valid Names", "Valid Object
 * Paths", "Valid Signatures"). Pure functions; each takes a text that ends with a NUL and has none inside, and its length in
 * bytes. */

/**
 * kv_dbus_grammar_is_path:
 *
 * Tells whether @text is the path of an object.
 */
gboolean kv_dbus_grammar_is_path (const char *text, gsize length);

/**
 * kv_dbus_grammar_is_interface:
 *
 * Tells whether @text is the name of an interface, or of an error, for which the rules are the same.
 */
gboolean kv_dbus_grammar_is_interface (const char *text, gsize length);

/**
 * kv_dbus_grammar_is_member:
 *
 * Tells whether @text is the name of a method or a signal.
 */
gboolean kv_dbus_grammar_is_member (const char *text, gsize length);

/**
 * kv_dbus_grammar_is_bus_name:
 *
 * Tells whether @text is the name of a connection, be it a unique one.
 */
gboolean kv_dbus_grammar_is_bus_name (const char *text, gsize length);

/**
 * kv_dbus_grammar_is_signature:
 *
 * Tells whether @text is any number of complete types, none included.
 */
gboolean kv_dbus_grammar_is_signature (const char *text, gsize length);

/**
 * kv_dbus_grammar_is_single_type:
 *
 * Tells whether @text is exactly one complete type, as a variant has it.
 */
gboolean kv_dbus_grammar_is_single_type (const char *text, gsize length);

/**
 * kv_dbus_grammar_skip_type:
 * @type: what begins with a complete type, and is a signature or the rest of one
 *
 * Returns: what stands behind that type
 */
const char *kv_dbus_grammar_skip_type (const char *type);

G_END_DECLS

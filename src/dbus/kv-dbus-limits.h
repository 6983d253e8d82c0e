/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a caller may ask for at a time. */

/**
 * KV_DBUS_MAX_KEYS:
 *
 * The most keys of a GetMany() or a Watch(), and entries of a Batch(); conditions and operations of a Transaction().
 */
#define KV_DBUS_MAX_KEYS 1024

/**
 * KV_DBUS_MAX_WATCHES:
 *
 * How many watches one caller may have.
 */
#define KV_DBUS_MAX_WATCHES 256

/**
 * KV_DBUS_MAX_NAMES:
 *
 * How many keys and prefixes all watches of one caller may have together. Each costs the service some memory for as long
 * as the watch is there, so the two limits above do not suffice.
 */
#define KV_DBUS_MAX_NAMES 16384

/**
 * KV_DBUS_MAX_REPLY_BYTES:
 *
 * The most that one message carries in values, in bytes. A bus cuts off whoever sends an array of over 64 MiB, and the
 * system bus takes no message of over 32 MiB.
 */
#define KV_DBUS_MAX_REPLY_BYTES (16u * 1024 * 1024)

/**
 * KV_DBUS_MAX_CALLER_TRANSFERS:
 *
 * How many dumps and restores one caller may have under way.
 */
#define KV_DBUS_MAX_CALLER_TRANSFERS 4

/**
 * KV_DBUS_MAX_TRANSFERS:
 *
 * How many dumps and restores all callers together may have under way. Each takes a thread and four file descriptors at
 * most, and what a dump holds on to of the store.
 */
#define KV_DBUS_MAX_TRANSFERS 16

/**
 * KV_DBUS_PATIENCE:
 *
 * For how long, in microseconds, the other end of a dump may take nothing of it, and that of a restore give nothing. Less than the
 * 30 seconds that a stop of the service may take, so that one that is left to itself is told so even then.
 */
#define KV_DBUS_PATIENCE (20 * G_USEC_PER_SEC)

/**
 * kv_dbus_limits_check_count:
 * @count: how many there are
 * @what: the word for them, in the plural
 * @error: set to %KV_ERROR_TOO_LARGE
 *
 * Tells whether @count is within %KV_DBUS_MAX_KEYS.
 */
gboolean kv_dbus_limits_check_count (gsize count, const char *what, GError **error);

/**
 * kv_dbus_limits_check_value:
 * @length: of a value to be written, in bytes
 * @max_value_size: what the service allows
 * @error: set to %KV_ERROR_TOO_LARGE
 */
gboolean kv_dbus_limits_check_value (gsize length, gsize max_value_size, GError **error);

G_END_DECLS

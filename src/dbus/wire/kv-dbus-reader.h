/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * KvDbusReader:
 * @data: (array length=length): the body of a message, or as far as this reader may go; borrowed
 * @length: in bytes
 * @position: of the next value
 * @swapped: whether the bytes are in the other order than this machine's
 * @sound: whether kv_dbus_reader_check() has found everything right
 * @failed: whether something else was there than was asked for
 *
 * A cursor over the values of a body (D-Bus specification, "Marshaling (Wire Format)"). What it gives is borrowed from the
 * body, and nothing is allocated. It never looks beyond its end: where the value that is asked for is not there, it gives one
 * that is empty, and has failed from then on. A plain value: a copy is another cursor.
 */
typedef struct {
  const guint8 *data;
  gsize length;
  gsize position;
  gboolean swapped;
  gboolean sound;
  gboolean failed;
} KvDbusReader;

/**
 * kv_dbus_reader_init:
 * @data: (array length=length): what begins at a multiple of eight bytes, counted as the sender did
 */
void kv_dbus_reader_init (KvDbusReader *reader, const guint8 *data, gsize length, gboolean swapped);

/**
 * kv_dbus_reader_check:
 * @signature: one that is valid
 *
 * Tells whether @reader holds values of just these types, and nothing behind them, all of them as the specification has it:
 * padding that is zero, text that is UTF-8, arrays of 64 MiB at most, 64 levels at most. The cursor stays where it is; texts are
 * not looked through again when they are taken.
 */
gboolean kv_dbus_reader_check (KvDbusReader *reader, const char *signature);

/**
 * kv_dbus_reader_skip:
 * @signature: one that is valid
 *
 * Passes over values of these types, which are checked as by kv_dbus_reader_check().
 *
 * Returns: %FALSE when they are not there
 */
gboolean kv_dbus_reader_skip (KvDbusReader *reader, const char *signature);

/**
 * kv_dbus_reader_has_more:
 *
 * Tells whether there is something behind the cursor. Not of one that has failed.
 */
gboolean kv_dbus_reader_has_more (const KvDbusReader *reader);

guint8 kv_dbus_reader_take_byte (KvDbusReader *reader);
gboolean kv_dbus_reader_take_boolean (KvDbusReader *reader);
guint16 kv_dbus_reader_take_uint16 (KvDbusReader *reader);
guint32 kv_dbus_reader_take_uint32 (KvDbusReader *reader);
guint64 kv_dbus_reader_take_uint64 (KvDbusReader *reader);
double kv_dbus_reader_take_double (KvDbusReader *reader);

/**
 * kv_dbus_reader_take_string:
 * @length: (out) (optional): its bytes
 *
 * Takes a value of type s; also one of type o, whose rules are not looked at.
 *
 * Returns: (transfer none): UTF-8 with a NUL behind it and none inside
 */
const char *kv_dbus_reader_take_string (KvDbusReader *reader, gsize *length);

/**
 * kv_dbus_reader_take_signature:
 * @length: (out) (optional): its bytes
 *
 * Takes a value of type g.
 */
const char *kv_dbus_reader_take_signature (KvDbusReader *reader, gsize *length);

/**
 * kv_dbus_reader_take_bytes:
 * @length: (out): how many
 *
 * Takes a value of type ay.
 *
 * Returns: (array length=length) (transfer none): the bytes
 */
const guint8 *kv_dbus_reader_take_bytes (KvDbusReader *reader, gsize *length);

/**
 * kv_dbus_reader_take_array:
 * @type: of an element
 * @elements: (out): set to a cursor over the elements, as long as it has more
 *
 * Takes an array of any other type.
 */
void kv_dbus_reader_take_array (KvDbusReader *reader, const char *type, KvDbusReader *elements);

/**
 * kv_dbus_reader_count:
 * @elements: a cursor over elements
 * @type: of an element
 *
 * Returns: how many there are still
 */
gsize kv_dbus_reader_count (const KvDbusReader *elements, const char *type);

/**
 * kv_dbus_reader_enter_struct:
 *
 * Goes to the first member of a struct or a dictionary entry. There is no way out again to be taken: whatever follows brings
 * its own alignment.
 */
void kv_dbus_reader_enter_struct (KvDbusReader *reader);

/**
 * kv_dbus_reader_enter_variant:
 *
 * Goes to the value in a variant.
 *
 * Returns: (transfer none): its type; empty when there is none
 */
const char *kv_dbus_reader_enter_variant (KvDbusReader *reader);

G_END_DECLS

/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/wire/kv-dbus-buffer.h"
#include "dbus/wire/kv-dbus-head.h"

G_BEGIN_DECLS

/**
 * KvDbusWriter:
 * @buffer: (transfer none): where the message goes
 * @start: of the message, counted from what @buffer held first
 * @body: of its body, counted in the same way
 *
 * Appends one message to a buffer, in the order of bytes of this machine (D-Bus specification, "Marshaling (Wire Format)"). The
 * head comes first, then the values, which are to be those that the signature in the head promises. A plain value.
 */
typedef struct {
  KvDbusBuffer *buffer;
  gsize start;
  gsize body;
} KvDbusWriter;

/**
 * KvDbusArray:
 *
 * An array that is being written.
 */
typedef struct {
  gsize length_at;
  gsize first;
} KvDbusArray;

/**
 * kv_dbus_writer_begin:
 * @head: type, flags, serial and whichever fields there are; @body and @swapped are not looked at, and all of it is valid
 *
 * Writes the head of a message. There is to be no body where @head has no signature.
 */
void kv_dbus_writer_begin (KvDbusWriter *writer, KvDbusBuffer *buffer, const KvDbusHead *head);

/**
 * kv_dbus_writer_end:
 *
 * Completes the message. No array is to be open.
 */
void kv_dbus_writer_end (KvDbusWriter *writer);

void kv_dbus_writer_put_boolean (KvDbusWriter *writer, gboolean value);
void kv_dbus_writer_put_uint32 (KvDbusWriter *writer, guint32 value);
void kv_dbus_writer_put_uint64 (KvDbusWriter *writer, guint64 value);
void kv_dbus_writer_put_int64 (KvDbusWriter *writer, gint64 value);

/**
 * kv_dbus_writer_put_string:
 * @text: (array length=length): UTF-8 without a NUL
 *
 * Writes a value of type s or o.
 */
void kv_dbus_writer_put_string (KvDbusWriter *writer, const char *text, gsize length);

/**
 * kv_dbus_writer_put_bytes:
 *
 * Writes a value of type ay.
 */
void kv_dbus_writer_put_bytes (KvDbusWriter *writer, const void *bytes, gsize length);

/**
 * kv_dbus_writer_enter_variant:
 * @type: of the value, which is to be written next
 */
void kv_dbus_writer_enter_variant (KvDbusWriter *writer, const char *type);

/**
 * kv_dbus_writer_enter_struct:
 *
 * Begins a struct or a dictionary entry; the members are to be written next. It ends with the last of them.
 */
void kv_dbus_writer_enter_struct (KvDbusWriter *writer);

/**
 * kv_dbus_writer_open_array:
 * @type: of an element: what it begins with will do
 *
 * Begins an array; the elements are to be written next, of no more than 64 MiB together.
 *
 * Returns: what kv_dbus_writer_close_array() wants to be given
 */
KvDbusArray kv_dbus_writer_open_array (KvDbusWriter *writer, const char *type);

/**
 * kv_dbus_writer_close_array:
 *
 * Ends an array behind its last element.
 */
void kv_dbus_writer_close_array (KvDbusWriter *writer, KvDbusArray array);

G_END_DECLS

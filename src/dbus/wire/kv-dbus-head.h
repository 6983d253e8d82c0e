/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/wire/kv-dbus-reader.h"
#include "dbus/wire/kv-dbus-types.h"

G_BEGIN_DECLS

/**
 * KvDbusHead:
 * @type: of #KvDbusType, or one that is still to be invented
 * @flags: of #KvDbusFlag, and others
 * @swapped: whether the bytes are in the other order than this machine's
 * @serial: what an answer is to name
 * @reply_serial: what is answered; else 0
 * @n_descriptors: how many file descriptors come with it
 * @path: (nullable): of an object
 * @interface: (nullable): its name
 * @member: (nullable): name of a method or signal
 * @error_name: (nullable): of an error
 * @destination: (nullable): name of a connection
 * @sender: (nullable): unique name of a connection; a bus fills it in
 * @signature: the types of the body; empty when there is none
 * @body: (array length=body_length): the values
 * @body_length: in bytes
 *
 * The head of a message. Everything is borrowed from its bytes.
 */
typedef struct {
  guint8 type;
  guint8 flags;
  gboolean swapped;
  guint32 serial;
  guint32 reply_serial;
  guint32 n_descriptors;
  const char *path;
  const char *interface;
  const char *member;
  const char *error_name;
  const char *destination;
  const char *sender;
  const char *signature;
  const guint8 *body;
  gsize body_length;
} KvDbusHead;

/**
 * kv_dbus_head_measure:
 * @data: (array fixed-size=16): what a message begins with: %KV_DBUS_FIXED_HEAD_BYTES
 *
 * Returns: the bytes of the whole message; 0 when that is no message, or one of more than 128 MiB
 */
gsize kv_dbus_head_measure (const guint8 *data);

/**
 * kv_dbus_head_parse:
 * @data: (array length=length): a message
 * @length: what kv_dbus_head_measure() has said
 *
 * Reads everything but the values of the body, and sees whether the message has what one of its type must have. Fields that are
 * not known are passed over, and so are types of message (D-Bus specification, "Message Format").
 *
 * Returns: %FALSE when the message is malformed
 */
gboolean kv_dbus_head_parse (KvDbusHead *head, const guint8 *data, gsize length);

/**
 * kv_dbus_head_init_reader:
 * @reader: (out): set to a cursor over the body
 */
void kv_dbus_head_init_reader (const KvDbusHead *head, KvDbusReader *reader);

G_END_DECLS

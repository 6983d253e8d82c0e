/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Numbers that reading and writing have in common (D-Bus specification, "Marshaling (Wire Format)" and "Message Protocol"). */

/* Of one array, without its length and padding. */
#define KV_DBUS_MAX_ARRAY_BYTES (64u * 1024 * 1024)

/* Of one message. */
#define KV_DBUS_MAX_MESSAGE_BYTES (128u * 1024 * 1024)

/* Of structs and dictionary entries, and of a body. */
#define KV_DBUS_STRUCT_ALIGNMENT 8

/* What every message begins with, up to the length of the header fields included. */
#define KV_DBUS_FIXED_HEAD_BYTES 16

#define KV_DBUS_PROTOCOL_VERSION 1

/**
 * KvDbusType:
 *
 * The types of message.
 */
typedef enum {
  KV_DBUS_TYPE_METHOD_CALL = 1,
  KV_DBUS_TYPE_METHOD_RETURN = 2,
  KV_DBUS_TYPE_ERROR = 3,
  KV_DBUS_TYPE_SIGNAL = 4,
} KvDbusType;

/**
 * KvDbusFlag:
 *
 * A flag of a message that matters here.
 */
typedef enum {
  KV_DBUS_FLAG_NO_REPLY_EXPECTED = 1 << 0,
} KvDbusFlag;

/**
 * KvDbusField:
 *
 * The fields of a head.
 */
typedef enum {
  KV_DBUS_FIELD_INVALID = 0,
  KV_DBUS_FIELD_PATH = 1,
  KV_DBUS_FIELD_INTERFACE = 2,
  KV_DBUS_FIELD_MEMBER = 3,
  KV_DBUS_FIELD_ERROR_NAME = 4,
  KV_DBUS_FIELD_REPLY_SERIAL = 5,
  KV_DBUS_FIELD_DESTINATION = 6,
  KV_DBUS_FIELD_SENDER = 7,
  KV_DBUS_FIELD_SIGNATURE = 8,
  KV_DBUS_FIELD_UNIX_FDS = 9,
} KvDbusField;

#define KV_DBUS_N_FIELDS (KV_DBUS_FIELD_UNIX_FDS + 1)

/**
 * kv_dbus_types_get_fixed_size:
 * @type: what a type begins with
 *
 * Returns: the bytes of any value of the type, where every bit pattern is one; else 0. Its alignment is the same.
 */
static inline gsize
kv_dbus_types_get_fixed_size (char type)
{
  switch (type)
    {
    case 'y':
      return 1;
    case 'n':
    case 'q':
      return 2;
    case 'i':
    case 'u':
    case 'h':
      return 4;
    case 'x':
    case 't':
    case 'd':
      return 8;
    default:
      return 0;
    }
}

/**
 * kv_dbus_types_get_alignment:
 * @type: what a type begins with
 *
 * Returns: what a value of the type begins at a multiple of, in bytes
 */
static inline gsize
kv_dbus_types_get_alignment (char type)
{
  switch (type)
    {
    case 'g':
    case 'v':
      return 1;
    case 'b':
    case 's':
    case 'o':
    case 'a':
      return 4;
    case '(':
    case '{':
      return KV_DBUS_STRUCT_ALIGNMENT;
    default:
      return kv_dbus_types_get_fixed_size (type);
    }
}

G_END_DECLS

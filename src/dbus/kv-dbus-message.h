/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/wire/kv-dbus-head.h"

G_BEGIN_DECLS

/**
 * KvDbusMessage:
 * @head: its head
 * @bytes: (array length=length): all of it
 * @length: in bytes
 * @descriptors: (array length=n_descriptors) (nullable): what has come with it
 * @n_descriptors: how many
 *
 * A whole message. Borrowed from where it has come in; who wants to have the descriptors takes them by kv_dbus_message_steal().
 */
typedef struct {
  KvDbusHead head;
  const guint8 *bytes;
  gsize length;
  const int *descriptors;
  guint n_descriptors;
} KvDbusMessage;

/**
 * kv_dbus_message_steal:
 * @n_descriptors: (out): how many
 *
 * Returns: (array length=n_descriptors) (transfer full) (nullable): the descriptors, to be closed by the caller; %NULL when there
 *   are none
 */
int *kv_dbus_message_steal (KvDbusMessage *message, guint *n_descriptors);

G_END_DECLS

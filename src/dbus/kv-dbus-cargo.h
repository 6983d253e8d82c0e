/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/wire/kv-dbus-buffer.h"

G_BEGIN_DECLS

/**
 * KvDbusCargo:
 * @bytes: what is to be sent
 * @parcels: (owned) (nullable): the descriptors that go with some of it, in order
 * @n_sent: how many bytes are gone already, ever
 *
 * Messages on their way out of a socket, and the file descriptors that belong to some of them. Begin with `{ 0 }`, end with
 * kv_dbus_cargo_clear(). One thread at a time may have it.
 */
typedef struct {
  KvDbusBuffer bytes;
  GQueue *parcels;
  guint64 n_sent;
} KvDbusCargo;

/**
 * kv_dbus_cargo_get_length:
 *
 * Returns: how many bytes there are still to be sent
 */
static inline gsize
kv_dbus_cargo_get_length (const KvDbusCargo *cargo)
{
  return kv_dbus_buffer_get_length (&cargo->bytes);
}

/**
 * kv_dbus_cargo_add:
 * @data: (array length=length): one message or more
 * @descriptors: (array length=n_descriptors) (transfer full) (nullable): of the one message
 *
 * Adds a copy of @data. The descriptors are closed once they have been sent, or will not be.
 */
void kv_dbus_cargo_add (KvDbusCargo *cargo,
                        const void *data,
                        gsize length,
                        const int *descriptors,
                        guint n_descriptors);

/**
 * kv_dbus_cargo_send:
 * @socket: a stream socket that does not block
 *
 * Sends as much as the socket takes. Descriptors go with the first byte of their message, and nothing that was sent before
 * shares a piece with it: whoever reads message by message is given them with the right one.
 *
 * Returns: %FALSE, with errno, when the socket is broken or refuses the descriptors
 */
gboolean kv_dbus_cargo_send (KvDbusCargo *cargo, int socket);

/**
 * kv_dbus_cargo_clear:
 *
 * Throws away what is left.
 */
void kv_dbus_cargo_clear (KvDbusCargo *cargo);

G_END_DECLS

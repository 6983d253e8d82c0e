/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * KvDbusPort:
 *
 * A descriptor of a caller's, to write to or to read from: a regular file, a pipe, a stream socket, a terminal or another
 * character device. It waits, for the other end or for a disk, so it is for a thread that has nothing else to do; a cancellable ends the wait.
 *
 * The caller shares what the descriptor refers to, and may have given it to others. So it is not made non-blocking, which all
 * would notice; nor can it be trusted to be ready when poll() has said so, as others may have been there first. Each kind of it
 * has a way of its own not to block, save files and devices, where there is none: a wait for those may outlast the
 * cancellation.
 */
typedef struct _KvDbusPort KvDbusPort;

/**
 * KvDbusPortDirection:
 * @KV_DBUS_PORT_READ: it is to be read from
 * @KV_DBUS_PORT_WRITE: it is to be written to
 */
typedef enum {
  KV_DBUS_PORT_READ,
  KV_DBUS_PORT_WRITE,
} KvDbusPortDirection;

/**
 * kv_dbus_port_open:
 * @descriptor: (transfer none): outlives the port
 * @patience: microseconds for which the other end may take or give nothing
 * @cancellable: (transfer none): ends every wait
 * @error: set to %KV_ERROR_INVALID_ARGUMENT when @descriptor is of a kind, or open in a way, that does not do, to
 *   %KV_ERROR_UNAVAILABLE when there are no file descriptors left
 *
 * The signals that writing and reading may raise have to be blocked or ignored: SIGPIPE, SIGXFSZ, SIGTTOU and SIGTTIN.
 *
 * Returns: (transfer full): a port
 */
KvDbusPort *kv_dbus_port_open (int descriptor,
                               KvDbusPortDirection direction,
                               gint64 patience,
                               GCancellable *cancellable,
                               GError **error);

/**
 * kv_dbus_port_write:
 * @data: (array length=length): what to write
 * @error: set to %G_IO_ERROR_CANCELLED, or to %KV_ERROR_FAILED with the reason
 *
 * Writes all of @data, however long that takes.
 */
gboolean kv_dbus_port_write (KvDbusPort *port, const char *data, gsize length, GError **error);

/**
 * kv_dbus_port_read:
 * @buffer: (array length=size): where to
 * @size: in bytes, 1 or more
 * @error: as kv_dbus_port_write() has it
 *
 * Reads what there is, and waits where that is nothing.
 *
 * Returns: bytes; 0 at the end; -1 and @error
 */
gssize kv_dbus_port_read (KvDbusPort *port, char *buffer, gsize size, GError **error);

void kv_dbus_port_free (KvDbusPort *port);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvDbusPort, kv_dbus_port_free)

G_END_DECLS

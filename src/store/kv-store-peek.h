/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-store.h"

G_BEGIN_DECLS

/**
 * kv_store_peek:
 * @like: any entry with the key, a draft for example
 *
 * As kv_store_lookup(), but the figures do not tell it as a read: for what looks on nobody's behalf. Any thread.
 *
 * Returns: (transfer full) (nullable): the live entry
 */
KvEntry *kv_store_peek (KvStore *store, const KvEntry *like);

G_END_DECLS

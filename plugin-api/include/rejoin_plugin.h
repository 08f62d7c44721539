/* rejoin_plugin.h: the plugin contract of Rejoin, version 1.0.
 *
 * A plugin is a shared library named librejoin_ID.so that exports one function, rejoin_plugin_entry_v1. The host loads
 * it in a process of its own, one process for each connector and role, and calls it through the table that function
 * gives. Both sides keep to what stands here; README.md beside this folder tells the same as a guide.
 *
 * Words used on every function:
 *
 *   state    [loaded]   after rejoin_plugin_entry_v1 has returned RJ_OK
 *            [open]     between a successful open and close
 *   thread   [worker]   calls of these functions never overlap, but need not all come from the same thread:
 *                       do not rely on thread-local data
 *            [any]      from any thread, at any time the state allows, also while a [worker] call runs
 *   memory   lent       stays with its owner, who keeps it unchanged until the call has returned
 *            given      now belongs to the receiver, who calls release exactly once, on any thread
 *
 * Versioning:
 *
 *   - The major version is in the name of the entry function. A library may export _v1 and _v2 side by side.
 *   - A minor version only appends members at the end of structs that begin with struct_size, and adds constants.
 *     Nothing is reordered, removed or given another meaning. A reader uses a member only when struct_size covers it
 *     and, for a function, it is not NULL: RJ_HAS does that.
 *   - Structs without struct_size (rj_str, rj_buf, rj_outcome) never change within a major version.
 *   - A plugin states the lowest minor it needs. A host that offers less refuses it in one sentence; the other
 *     connectors start.
 *   - Whatever is optional and large is an extension, asked for by name on either side. An extension's name ends in
 *     its own version, "rejoin.host.http/1"; its struct never changes. Names that begin with "draft." promise nothing.
 *     1.0 defines no extension: get_extension answers NULL for a name it does not know.
 *
 * What must never cross: exceptions, longjmp, panics; memory to be freed by the other side's allocator; file
 * descriptors. No thread of the plugin may use the host after close has returned.
 */
#ifndef REJOIN_PLUGIN_H
#define REJOIN_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RJ_ABI_MAJOR 1u
#define RJ_ABI_MINOR 0u

/* Longest buffer that may cross, and longest cursor. Longer ones are a fault of the plugin. */
#define RJ_BUFFER_BYTES_MAX ((size_t)256 << 20)
#define RJ_CURSOR_BYTES_MAX ((size_t)1 << 20)

/* Whether a struct that begins with struct_size, from a side that may be older, has a member. */
#define RJ_HAS(ptr, type, member) \
  (offsetof(type, member) + sizeof((ptr)->member) <= (ptr)->struct_size && (ptr)->member != NULL)

/* ---- values ------------------------------------------------------------------------------------------------- */

/* Lent text: UTF-8, no terminating NUL. ptr NULL means absent, which is not the same as empty. */
typedef struct rj_str {
  const uint8_t *ptr;
  size_t len;
} rj_str;

/* Given bytes. May be moved bit by bit. release frees them and sets itself to NULL; release NULL means there is
 * nothing to free (empty, static or lent). A receiver calls release even when it does not use the bytes. */
typedef struct rj_buf {
  const uint8_t *ptr;
  size_t len;
  void *owner; /* private to the producer */
  void (*release)(struct rj_buf *);
} rj_buf;

/* 0 is fine; above 0 is fine and says something; below 0 is a class of error, and rj_error is filled.
 * A negative number the host does not know counts as RJ_E_PERMANENT. */
typedef int32_t rj_status;
enum {
  RJ_OK = 0,
  RJ_CAUGHT_UP = 1, /* read: nothing more at present */
  RJ_MORE = 2,      /* read: call again at once */

  RJ_E_CONFIG = -1,         /* the configuration is wrong: stop until it changes */
  RJ_E_AUTH = -2,           /* the far side refused who we are: stop until somebody acts */
  RJ_E_RATE_LIMITED = -3,   /* too fast: wait for retry_after_ms */
  RJ_E_TRANSIENT = -4,      /* will probably work later: back off, try again */
  RJ_E_PERMANENT = -5,      /* will not work by waiting */
  RJ_E_CURSOR_INVALID = -6, /* the far side no longer knows the cursor: the stream must be read from its start */
                            /* -7 is reserved */
  RJ_E_CANCELLED = -8,      /* returned early because is_cancelled said so */
  RJ_E_UNSUPPORTED = -9,    /* the plugin cannot do this */
                            /* -10 is reserved */
  RJ_E_PANIC = -11          /* caught a defect of its own: the host ends the process */
};

/* The host makes it empty before each call; the plugin fills it when it returns a status below 0. */
typedef struct rj_error {
  uint32_t struct_size;
  uint32_t retry_after_ms; /* 0: unknown */
  rj_buf message;          /* given: one sentence for a person; no secrets, no personal data */
  rj_buf detail_json;      /* given, optional: an object; "hint" is shown as what to do about it */
} rj_error;

enum { RJ_ENC_JSONL = 1 }; /* 2 (MessagePack) and 4 (Arrow C data) are reserved; the values are bits */

/* Records as lines of JSON, each ended by a line feed (README.md, "Lines"). One line that does not parse harms one
 * record: the host puts it into quarantine. */
typedef struct rj_batch {
  uint32_t struct_size;
  uint32_t encoding;
  uint64_t records; /* number of lines in data */
  rj_buf data;
  rj_buf cursor;    /* read: the position after this batch, opaque to the host; absent: none */
} rj_batch;

enum { RJ_READ_KEYS_ONLY = 1 }; /* only the keys that exist now are wanted, to find deletes; the cursor is its own */

typedef struct rj_read {
  uint32_t struct_size;
  uint32_t max_records; /* return when reached */
  uint64_t max_bytes;   /* return when reached; the last record may pass it */
  uint64_t deadline_ms; /* from now; past it the host cancels */
  uint32_t accept_encodings;
  uint32_t flags;
  rj_str stream;        /* one of the manifest's */
  rj_str cursor;        /* what the plugin last gave for this stream; absent at the very beginning */
} rj_read;

/* A stored HTTP request. head_json: {"id","received_at_ms","method","target","headers":[[name,value],…],"remote"}. */
typedef struct rj_request {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t deadline_ms;
  rj_str head_json;
  rj_str body; /* bytes as they arrived, not necessarily UTF-8 */
} rj_request;

/* 0 is no outcome, so that zeroed memory never says "accepted". */
enum {
  RJ_ACCEPTED = 1, /* the provider took responsibility; remote_id is its own id */
  RJ_REJECTED = 2, /* refused for good */
  RJ_DEFERRED = 3, /* certainly not sent; may be tried again, not before retry_after_ms */
  RJ_UNKNOWN = 4   /* the connection broke where the provider may or may not have taken it */
};
enum { RJ_OUTCOME_BAD_ADDRESS = 1 }; /* with RJ_REJECTED: never use this address again */

typedef struct rj_outcome {
  uint32_t index; /* from 0, in the order of the messages given; each at most once */
  uint32_t outcome;
  rj_str remote_id;
  rj_str reason;
  uint32_t retry_after_ms;
  uint32_t flags;
} rj_outcome;

enum { RJ_LOG_ERROR = 1, RJ_LOG_WARN = 2, RJ_LOG_INFO = 3, RJ_LOG_DEBUG = 4 };

/* ---- the host ----------------------------------------------------------------------------------------------- */

/* Lent by the host until close has returned. Every function takes ctx first. */
typedef struct rj_host {
  uint32_t struct_size;
  uint16_t abi_major, abi_minor;
  void *ctx;

  /* NULL when the host does not know the name. The answer lives as long as the table. [any] */
  const void *(*get_extension)(void *ctx, rj_str id);

  /* A line in the daemon's log, under the connector's name. No secrets, no personal data. fields_json is an object or
   * absent. The host copies both texts. Beyond some lines a second the host drops them, and says so. [any] */
  void (*log)(void *ctx, uint32_t level, rj_str message, rj_str fields_json);

  /* Not 0 when the running call shall return early, with RJ_E_CANCELLED or with what it has. Long work asks at least
   * once a second; who does not is ended by a signal. [any] */
  int32_t (*is_cancelled)(void *ctx);

  /* What became of count messages. Report each as soon as it is known: it leaves the process before this returns, and
   * what has not been reported when the process dies is unknown for ever. The host copies.
   * Only while send runs, until it returns; from any thread. */
  void (*outcome)(void *ctx, const rj_outcome *outcomes, size_t count);
} rj_host;

/* ---- the plugin --------------------------------------------------------------------------------------------- */

/* The plugin's own state; the host only carries the pointer. */
typedef struct rj_instance rj_instance;

/* Static and constant for the life of the process. A member that is NULL is something the plugin does not do; only
 * open and close must be there. Structs passed by pointer are lent for the call. Out parameters come in empty, with
 * struct_size set, and are read only when the status is not negative, though given buffers are always released. */
typedef struct rj_plugin {
  uint32_t struct_size;
  uint16_t abi_major, abi_minor; /* the lowest host version the plugin needs */

  /* Static, UTF-8: id, version, capabilities, streams, schema of the configuration. README.md, "Manifest". */
  rj_str manifest_json;

  /* NULL when the plugin does not know the name. [loaded] [any] */
  const void *(*get_extension)(rj_str id);

  /* What the schema cannot say about a configuration: pure, offline, all findings at once, as a JSON array of
   * {"pointer","message","hint"?}; pointer is RFC 6901. RJ_OK also when there are findings.
   * [loaded] [worker]; findings_json: given. */
  rj_status (*validate)(rj_str config_json, rj_buf *findings_json, rj_error *error);

  /* Makes the instance. The configuration has passed the schema, and its secrets are resolved. Must not fail because
   * the far side is down. host stays usable until close returns. [loaded] [worker]; called once in a process. */
  rj_status (*open)(const rj_host *host, rj_str config_json, rj_instance **instance, rj_error *error);

  /* The last call: every thread the plugin started has ended when it returns. Not called after a crash or SIGKILL, so
   * nothing that matters may depend on it. [open] [worker] */
  void (*close)(rj_instance *instance);

  /* A live look at the far side, with one sentence about what was found. [open] [worker]; report: given. */
  rj_status (*check)(rj_instance *instance, rj_buf *report, rj_error *error);

  /* The streams that exist at the far side, as JSON. Not called by 1.0 hosts. [open] [worker]; given. */
  rj_status (*discover)(rj_instance *instance, rj_buf *streams_json, rj_error *error);

  /* source: records from request->cursor on. Returns RJ_MORE with a cursor that moved, or RJ_CAUGHT_UP. The host
   * stores records and cursor in one transaction; if that fails or the machine does, it asks again with the old
   * cursor, and the same records (or newer ones) must come. [open] [worker]; batch: given. */
  rj_status (*read)(rj_instance *instance, const rj_read *request, rj_batch *batch, rj_error *error);

  /* source: the batch that ended at cursor is durable; the far side may be told. May be called again for the same
   * cursor, and may be left out after a crash. [open] [worker] */
  rj_status (*committed)(rj_instance *instance, rj_str stream, rj_str cursor, rj_error *error);

  /* webhook: what a stored request means. The caller has long been answered. The same request may come again with the
   * same id. No cursor. [open] [worker]; batch: given. */
  rj_status (*handle)(rj_instance *instance, const rj_request *request, rj_batch *batch, rj_error *error);

  /* channel: send each message at most once, and report each through host->outcome. messages->data is lent. RJ_OK
   * when all were tried: what was not reported is then unknown and is not sent again. A negative status promises that
   * every message not reported has not been sent and never will be: it may be tried again. [open] [worker] */
  rj_status (*send)(rj_instance *instance, const rj_batch *messages, rj_error *error);

  /* sink: write customers back. Not called by 1.0 hosts. [open] [worker]; records are lent. */
  rj_status (*write)(rj_instance *instance, rj_str stream, const rj_batch *records, rj_error *error);

  /* The running call shall return soon. For plugins that wait in something is_cancelled cannot reach; must itself
   * return at once. [open] [any], never together with close. */
  void (*cancel)(rj_instance *instance);
} rj_plugin;

/* The only exported function. host is lent for the call. Gives the table, or a negative status when the plugin cannot
 * work with this host. Must not block, start threads or do input or output: it also runs when only the manifest is
 * wanted. Called once in a process, before everything else. */
typedef rj_status (*rejoin_plugin_entry_fn)(const rj_host *host, const rj_plugin **plugin);
#define REJOIN_PLUGIN_ENTRY "rejoin_plugin_entry_v1"

#if defined(__GNUC__)
#define REJOIN_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define REJOIN_PLUGIN_EXPORT
#endif

#ifdef __cplusplus
}
#endif

#endif

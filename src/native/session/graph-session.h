// A graph in execution, through TensorFlow's C API: everything that it owns is deleted, every status read. Of Node it knows
// nothing (addon.cc does).
#pragma once
#include <tensorflow/c/c_api.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using Status = std::unique_ptr<TF_Status, decltype(&TF_DeleteStatus)>;
using Tensor = std::unique_ptr<TF_Tensor, decltype(&TF_DeleteTensor)>;
using Buffer = std::unique_ptr<TF_Buffer, decltype(&TF_DeleteBuffer)>;

/** What TensorFlow says of a failure, or what the caller did wrong. */
struct Failure : std::runtime_error {
  explicit Failure(const std::string& what, TF_Code code = TF_UNKNOWN) : std::runtime_error(what), code(code) {}
  const TF_Code code;
};

Status newStatus();

/** Throws a Failure with what the status says, unless that is success. */
void check(const Status& status);

/** A copy of the bytes. */
Buffer bufferOf(std::string_view bytes);

/** What is fed for a node. */
struct Feed {
  std::string node;
  TF_DataType type;
  std::vector<int64_t> shape;
  /** Whether a run reads it where it lies, and keeps nothing of it. */
  bool isLent;
};

/** How much of the caller's memory TensorFlow has: each tensor gives its part back when it is deleted, on any thread. */
class Loans {
 public:
  TF_Tensor* lend(const Feed& feed, std::string_view values);
  /** Waits a moment: a thread of TensorFlow's may be about to. */
  bool areReturned() const;

 private:
  // Shared with every tensor: one may outlive the run that it was lent to.
  std::shared_ptr<std::atomic<size_t>> outstanding_ = std::make_shared<std::atomic<size_t>>(0);
};

/** One way through the graph, its nodes looked up. */
struct Function {
  std::vector<Feed> feeds;
  std::vector<TF_Output> inputs, outputs;
  std::vector<const TF_Operation*> targets;
};

struct Outcome {
  std::vector<Tensor> outputs;
  /** A serialized RunMetadata; null unless the run was given options. */
  Buffer metadata;
};

/**
 * Starts a server of TensorFlow's in this process, by which sessions compute together with those of others. It cannot be
 * stopped: TensorFlow has no way to, and it ends with the process.
 *
 * @param definition a serialized ServerDef
 * @returns what sessions name as their target
 */
std::string serve(std::string_view definition);

/** A serialized KernelList: every kernel that the library has, for which devices and types. */
Buffer registeredKernels();

class GraphSession {
 public:
  /** Keeps the session open: `close` waits until there is none. */
  class Use {
   public:
    /** Fails where the session is closed. */
    explicit Use(std::shared_ptr<GraphSession> session);
    Use(Use&&) = default;
    Use& operator=(Use&&) = delete;
    ~Use() { end(); }
    void end();
    GraphSession& session() const { return *session_; }

   private:
    /** Null after the end. */
    std::shared_ptr<GraphSession> session_;
  };

  /**
   * @param graph a serialized GraphDef.
   * @param config a serialized ConfigProto.
   * @param target of a server; empty: in this process.
   */
  GraphSession(std::string_view graph, std::string_view config, const std::string& target);
  ~GraphSession();

  /** Names of the devices that it may use, such as /job:localhost/replica:0/task:0/device:CPU:0. */
  std::vector<std::string> devices();

  /** @returns its number. `outputs` and `targets`: names of nodes, whose first output is fetched, or that are just run. */
  size_t define(std::vector<Feed> feeds, const std::vector<std::string>& outputs,
                const std::vector<std::string>& targets);

  /** While a Use lasts. */
  const Function& function(size_t number);

  /** A copy of `values` to feed: what a variable is assigned from becomes its memory. */
  static Tensor copyOf(const Feed& feed, std::string_view values);

  /** `values` to feed as they lie, or a copy where they are not aligned as TensorFlow wants it. `loans` counts them. */
  static Tensor lend(const Feed& feed, std::string_view values, Loans& loans);

  /**
   * Computes, while a Use lasts. Several threads may at once.
   *
   * @param options a serialized RunOptions; empty: none.
   */
  Outcome run(const Function& function, const std::vector<Tensor>& inputs, std::string_view options);

  /** While a Use lasts: nothing runs after it, for TensorFlow may read memory that is gone. */
  void spoil();

  /** Waits for every Use, also of what is still to run, and frees all memory; there is no Use later. */
  void close();

 private:
  TF_Operation* find(const std::string& node) const;

  std::unique_ptr<TF_Graph, decltype(&TF_DeleteGraph)> graph_{TF_NewGraph(), &TF_DeleteGraph};
  TF_Session* session_ = nullptr;
  std::mutex mutex_;
  std::condition_variable unused_;
  // From here on under the mutex.
  size_t uses_ = 0;
  bool isClosed_ = false;
  // Pointers, so that a function stays where it is while others are added.
  std::vector<std::unique_ptr<const Function>> functions_;
};

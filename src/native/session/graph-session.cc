#include "graph-session.h"

#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

Status newStatus() { return {TF_NewStatus(), &TF_DeleteStatus}; }

void check(const Status& status) {
  if (TF_GetCode(status.get()) != TF_OK) throw Failure(TF_Message(status.get()), TF_GetCode(status.get()));
}

Buffer bufferOf(std::string_view bytes) {
  return {TF_NewBufferFromString(bytes.data(), bytes.size()), &TF_DeleteBuffer};
}

namespace {

void checkSize(const Feed& feed, std::string_view values) {
  size_t bytes = TF_DataTypeSize(feed.type);
  for (const int64_t extent : feed.shape) bytes *= static_cast<size_t>(extent);
  if (values.size() == bytes) return;
  throw Failure(feed.node + " wants " + std::to_string(bytes) + " bytes, got " + std::to_string(values.size()));
}

}  // namespace

std::string serve(std::string_view definition) {
  const Status status = newStatus();
  TF_Server* const server = TF_NewServer(definition.data(), definition.size(), status.get());
  check(status);
  TF_ServerStart(server, status.get());
  check(status);
  return TF_ServerTarget(server);
}

Buffer registeredKernels() {
  const Status status = newStatus();
  Buffer found(TF_GetAllRegisteredKernels(status.get()), &TF_DeleteBuffer);
  check(status);
  return found;
}

GraphSession::GraphSession(std::string_view graph, std::string_view config, const std::string& target) {
  const Status status = newStatus();
  const std::unique_ptr<TF_ImportGraphDefOptions, decltype(&TF_DeleteImportGraphDefOptions)> import{
      TF_NewImportGraphDefOptions(), &TF_DeleteImportGraphDefOptions};
  TF_GraphImportGraphDef(graph_.get(), bufferOf(graph).get(), import.get(), status.get());
  check(status);
  const std::unique_ptr<TF_SessionOptions, decltype(&TF_DeleteSessionOptions)> options{TF_NewSessionOptions(),
                                                                                     &TF_DeleteSessionOptions};
  TF_SetConfig(options.get(), config.data(), config.size(), status.get());
  check(status);
  TF_SetTarget(options.get(), target.c_str());
  session_ = TF_NewSession(graph_.get(), options.get(), status.get());
  check(status);
  // Otherwise the first run would find out what is wrong with the graph.
  TF_ExtendSession(session_, status.get());
  if (TF_GetCode(status.get()) == TF_OK) return;
  close();
  check(status);
}

GraphSession::~GraphSession() { close(); }

void GraphSession::close() {
  std::unique_lock<std::mutex> lock(mutex_);
  isClosed_ = true;
  unused_.wait(lock, [this] { return uses_ == 0; });
  // A session is gone even where deleting it reports something: there is no one left to tell.
  if (session_ != nullptr) TF_DeleteSession(std::exchange(session_, nullptr), newStatus().get());
  // Megabytes, which would else wait for JavaScript to forget this.
  functions_.clear();
  graph_.reset();
}

void GraphSession::spoil() {
  const std::lock_guard<std::mutex> lock(mutex_);
  isClosed_ = true;
}

GraphSession::Use::Use(std::shared_ptr<GraphSession> session) {
  const std::lock_guard<std::mutex> lock(session->mutex_);
  if (session->isClosed_) throw Failure("the session is closed");
  session->uses_++;
  session_ = std::move(session);
}

void GraphSession::Use::end() {
  const std::shared_ptr<GraphSession> session = std::exchange(session_, nullptr);
  if (session == nullptr) return;
  const std::lock_guard<std::mutex> lock(session->mutex_);
  session->uses_--;
  session->unused_.notify_all();
}

TF_Operation* GraphSession::find(const std::string& node) const {
  TF_Operation* found = TF_GraphOperationByName(graph_.get(), node.c_str());
  if (found == nullptr) throw Failure("the graph has no node " + node);
  return found;
}

std::vector<std::string> GraphSession::devices() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (isClosed_) throw Failure("the session is closed");
  const Status status = newStatus();
  const std::unique_ptr<TF_DeviceList, decltype(&TF_DeleteDeviceList)> list{
      TF_SessionListDevices(session_, status.get()), &TF_DeleteDeviceList};
  check(status);
  std::vector<std::string> names;
  for (int i = 0; i < TF_DeviceListCount(list.get()); i++) {
    names.emplace_back(TF_DeviceListName(list.get(), i, status.get()));
    check(status);
  }
  return names;
}

size_t GraphSession::define(std::vector<Feed> feeds, const std::vector<std::string>& outputs,
                            const std::vector<std::string>& targets) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (isClosed_) throw Failure("the session is closed");
  auto function = std::make_unique<Function>();
  for (const Feed& feed : feeds) function->inputs.push_back({find(feed.node), 0});
  for (const std::string& node : outputs) {
    TF_Operation* const found = find(node);
    if (TF_OperationNumOutputs(found) == 0) throw Failure("node " + node + " has no output");
    function->outputs.push_back({found, 0});
  }
  for (const std::string& node : targets) function->targets.push_back(find(node));
  function->feeds = std::move(feeds);
  functions_.push_back(std::move(function));
  return functions_.size() - 1;
}

const Function& GraphSession::function(size_t number) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (number >= functions_.size()) throw Failure("there is no function " + std::to_string(number));
  return *functions_[number];
}

TF_Tensor* Loans::lend(const Feed& feed, std::string_view values) {
  auto own = std::make_unique<std::shared_ptr<std::atomic<size_t>>>(outstanding_);
  ++*outstanding_;
  // Only read, so that it may be constant; TensorFlow has no other way to say so.
  return TF_NewTensor(
      feed.type, feed.shape.data(), static_cast<int>(feed.shape.size()), const_cast<char*>(values.data()),
      values.size(),
      [](void*, size_t, void* count) {
        const std::unique_ptr<std::shared_ptr<std::atomic<size_t>>> held(
            static_cast<std::shared_ptr<std::atomic<size_t>>*>(count));
        --**held;
      },
      own.release());
}

bool Loans::areReturned() const {
  constexpr int PATIENCE = 1000;
  for (int waited = 0; *outstanding_ != 0; waited++) {
    if (waited == PATIENCE) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

Tensor GraphSession::lend(const Feed& feed, std::string_view values, Loans& loans) {
  checkSize(feed, values);
  Tensor tensor{loans.lend(feed, values), &TF_DeleteTensor};
  if (tensor == nullptr) throw Failure("no tensor of the memory of " + feed.node);
  return tensor;
}

Tensor GraphSession::copyOf(const Feed& feed, std::string_view values) {
  checkSize(feed, values);
  const size_t bytes = values.size();
  Tensor tensor{TF_AllocateTensor(feed.type, feed.shape.data(), static_cast<int>(feed.shape.size()), bytes),
                &TF_DeleteTensor};
  if (tensor == nullptr) throw Failure("no memory for " + std::to_string(bytes) + " bytes of " + feed.node);
  // Of no elements it may have no memory.
  if (bytes > 0) std::memcpy(TF_TensorData(tensor.get()), values.data(), bytes);
  return tensor;
}

Outcome GraphSession::run(const Function& function, const std::vector<Tensor>& inputs, std::string_view options) {
  if (inputs.size() != function.inputs.size()) throw Failure("an input is missing");
  std::vector<TF_Tensor*> fed, fetched(function.outputs.size(), nullptr);
  for (const Tensor& input : inputs) fed.push_back(input.get());
  Outcome outcome{{}, {nullptr, &TF_DeleteBuffer}};
  Buffer wanted{nullptr, &TF_DeleteBuffer};
  if (!options.empty()) {
    wanted = bufferOf(options);
    outcome.metadata.reset(TF_NewBuffer());
  }
  const Status status = newStatus();
  TF_SessionRun(session_, wanted.get(), function.inputs.data(), fed.data(), static_cast<int>(fed.size()),
                function.outputs.data(), fetched.data(), static_cast<int>(fetched.size()), function.targets.data(),
                static_cast<int>(function.targets.size()), outcome.metadata.get(), status.get());
  for (TF_Tensor* tensor : fetched) {
    if (tensor != nullptr) outcome.outputs.emplace_back(tensor, &TF_DeleteTensor);
  }
  check(status);
  return outcome;
}

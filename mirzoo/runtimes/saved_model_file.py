"""Read a SavedModel without running it: whether it only computes.

A SavedModel is a program. Before a stranger's is run, every function that it could run
is read, nested ones too, and each of its operations must be in `PURE`, which was put together by
hand: arithmetic, arrays, signal processing, layers, random numbers from a seed, and control flow.
Whatever reads or writes files, prints, calls Python, keeps state beyond the model's variables or
comes from a plug-in is not in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mirzoo._support.guards import reading
from mirzoo.errors import ArtefactError

SAVED_MODEL_FILE = "saved_model.pb"
LARGEST_GRAPH_BYTES = 1 << 28

_PURE = """
Abs Acos Acosh Add AddN AddV2 All Angle Any ApproximateEqual ArgMax ArgMin Asin Asinh Assert Atan
Atan2 Atanh AvgPool AvgPool3D BatchMatMul BatchMatMulV2 BatchMatMulV3
BatchNormWithGlobalNormalization BatchToSpace BatchToSpaceND Betainc BiasAdd BiasAddV1 Bincount
Bitcast BitwiseAnd BitwiseOr BitwiseXor BroadcastArgs BroadcastTo Bucketize Case Cast Ceil
ClipByValue Complex ComplexAbs Concat ConcatOffset ConcatV2 Conj ConjugateTranspose Const Conv
Conv2D Conv2DBackpropInput Conv3D Conv3DBackpropInputV2 Cos Cosh Cross Cumprod Cumsum
CumulativeLogsumexp DenseBincount DepthToSpace DepthwiseConv2dNative
DepthwiseConv2dNativeBackpropInput Diag DiagPart Digamma Dilation2D Div DivNoNan DynamicPartition
DynamicStitch Einsum Elu EmptyTensorList EnsureShape Equal Erf Erfc Erfinv Exp ExpandDims Expm1
ExtractImagePatches FFT FFT2D FFT3D FFTND FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
FakeQuantWithMinMaxVarsPerChannel Fill Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2
FusedBatchNormV3 Gather GatherNd GatherV2 Greater GreaterEqual HistogramFixedWidth IFFT IFFT2D
IFFT3D IFFTND IRFFT IRFFT2D IRFFT3D IRFFTND Identity IdentityN If Igamma Igammac Imag InTopKV2 Inv
InvertPermutation IsFinite IsInf IsNan L2Loss LRN LeakyRelu LeftShift Less LessEqual Lgamma
LinSpace Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr LowerBound MatMul MatrixBandPart
MatrixDeterminant MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2
MatrixDiagV3 MatrixInverse MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MatrixSolve
MatrixTriangularSolve Max MaxPool MaxPool3D MaxPoolV2 Maximum Mean Min Minimum MirrorPad Mod Mul
MulNoNan Ndtri Neg NextAfter NoOp NonMaxSuppressionV3 NotEqual NthElement OneHot OnesLike Pack Pad
PadV2 ParallelDynamicStitch PartitionedCall Placeholder PlaceholderWithDefault Polygamma Pow
PreventGradient Prod QuantizeAndDequantizeV2 QuantizeAndDequantizeV4 RFFT RFFT2D RFFT3D RFFTND
RaggedRange RaggedTensorToTensor Range Rank ReadVariableOp Real RealDiv Reciprocal Relu Relu6
Reshape ResizeBilinear ResizeNearestNeighbor ReverseSequence ReverseV2 RightShift Rint Roll Round
Rsqrt ScatterNd SearchSorted SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum Select
SelectV2 Selu Shape ShapeN Sigmoid Sign Sin Sinh Size Slice Snapshot Softmax
SoftmaxCrossEntropyWithLogits Softplus Softsign SpaceToBatch SpaceToBatchND SpaceToDepth
SparseSoftmaxCrossEntropyWithLogits Split SplitV Sqrt Square SquaredDifference Squeeze
StatefulPartitionedCall StatelessCase StatelessIf StatelessRandomGetAlg
StatelessRandomGetKeyCounter StatelessRandomNormalV2 StatelessRandomUniformFullIntV2
StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessTruncatedNormalV2 StatelessWhile
StopGradient StridedSlice Sub Sum Svd Tan Tanh TensorListConcatV2 TensorListElementShape
TensorListFromTensor TensorListGather TensorListGetItem TensorListLength TensorListPopBack
TensorListPushBack TensorListReserve TensorListResize TensorListScatterV2 TensorListSetItem
TensorListSplit TensorListStack TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub
TensorScatterUpdate Tile TopK TopKV2 Transpose TruncateDiv TruncateMod Unique UniqueV2
UniqueWithCounts Unpack UnsortedSegmentMax UnsortedSegmentMean UnsortedSegmentMin
UnsortedSegmentProd UnsortedSegmentSum UpperBound VarHandleOp VariableShape Where While Xdivy
Xlog1py Xlogy ZerosLike Zeta
"""
PURE = frozenset(_PURE.split())

# What TensorFlow builds when it loads a SavedModel. Others run functions of their own then.
_OBJECTS = {"user_object", "variable", "constant", "function", "bare_concrete_function",
            "captured_tensor"}  # fmt: skip
_USER_OBJECTS = {"_generic_user_object", "signature_map", "trackable_list_wrapper",
                 "trackable_dict_wrapper", "trackable_tuple_wrapper"}  # fmt: skip


def require_pure(folder: str | os.PathLike) -> None:
    """Raise an ArtefactError where a SavedModel could do anything but compute.

    Parameters
    ----------
    folder : str or path
        That holds ``saved_model.pb``, which is read and not run.

    Raises
    ------
    ArtefactError
        If it is damaged, larger than any model of the zoo, or holds an operation that is not in
        `PURE` or an object that runs something when it is loaded; the message names them.
    """
    path = Path(folder) / SAVED_MODEL_FILE
    graph = _read(path)
    foreign = sorted({*_foreign_objects(graph), *_foreign_operations(graph)})
    if foreign:
        raise ArtefactError(
            f"{path} does more than compute and was not run: it holds {', '.join(foreign)}; "
            "allowed are operations without side effects (mirzoo.runtimes.saved_model_file.PURE)"
        )


def _read(path: Path) -> Any:
    from tensorflow.core.protobuf import saved_model_pb2

    with reading(path, "SavedModel"):
        if path.stat().st_size > LARGEST_GRAPH_BYTES:
            raise ValueError(f"it is larger than {LARGEST_GRAPH_BYTES:,} bytes")
        saved = saved_model_pb2.SavedModel()
        saved.ParseFromString(path.read_bytes())
        if len(saved.meta_graphs) != 1:
            raise ValueError(f"it holds {len(saved.meta_graphs)} graphs instead of one")
        graph = saved.meta_graphs[0]
        if not graph.object_graph_def.nodes:
            raise ValueError("it is of TensorFlow 1, which runs it while it is loaded")
        return graph


def _foreign_objects(graph: Any) -> Iterator[str]:
    for node in graph.object_graph_def.nodes:
        kind = node.WhichOneof("kind")
        if kind not in _OBJECTS:
            yield f"an object of the kind '{kind}'"
        elif kind == "user_object" and node.user_object.identifier not in _USER_OBJECTS:
            yield f"an object of the class '{node.user_object.identifier}'"
        if node.registered_name or node.registered_saver:
            yield f"an object registered as '{node.registered_name or node.registered_saver}'"


def _foreign_operations(graph: Any) -> Iterator[str]:
    """The operations that are not allowed of the functions that could be run."""
    library = {function.signature.name: function for function in graph.graph_def.library.function}
    unread = list(graph.object_graph_def.concrete_functions)
    unread += [
        called
        for signature in graph.signature_def.values()
        for tensor in signature.outputs.values()
        for called in _called_in_main(graph, tensor.name)
    ]
    read: set[str] = set()
    while unread:
        name = unread.pop()
        if name in read:
            continue
        read.add(name)
        if name not in library:
            yield f"a call of the missing function '{name}'"
            continue
        for node in library[name].node_def:
            if node.op not in PURE and node.op not in library:
                yield f"the operation '{node.op}'"
            unread += [node.op] if node.op in library else []
            unread += _functions_of(node)


def _called_in_main(graph: Any, tensor: str) -> list[str]:
    node_name = tensor.split(":")[0]
    return [
        f for node in graph.graph_def.node if node.name == node_name for f in _functions_of(node)
    ]


def _functions_of(node: Any) -> list[str]:
    found = []
    for value in node.attr.values():
        if value.HasField("func"):
            found.append(value.func.name)
        found += [function.name for function in value.list.func]
    return found

"""How good detections are: matches, average precision, and COCO's own numbers.

Two ways to count. `compute_ap` and its kin judge one picture at a time, all classes together, and
take the area under the whole precision-recall curve; they are quick, and follow the original's
rules to the letter. `evaluate` judges a whole data set as COCO does, through pycocotools: its
numbers are those that papers print. The two differ, so do not compare one with the other.
"""

import contextlib
import io
import itertools
import json
from collections import defaultdict

import numpy as np

from mrcnn.crops import as_crops, run_lengths
from mrcnn.network.boxes import iou as box_iou

# As pycocotools orders them.
COCO_NUMBERS = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]


# One picture


def trim_zeros(x):
    """The rows of `x` [N, M] that are not all zero: what is left without the padding."""
    return x[np.any(x != 0, axis=1)]


def compute_overlaps_masks(masks1, masks2):
    """Intersection over union of every mask of one set with every mask of another.

    Args:
        masks1: [H, W, N], bool, or numbers that count as inside above 0.5.
        masks2: [H, W, M], likewise.

    Returns:
        [N, M] float32 in [0, 1] (float64 if N or M is 0). Two empty masks overlap by 0.
    """
    if not masks1.shape[-1] or not masks2.shape[-1]:
        return np.zeros((masks1.shape[-1], masks2.shape[-1]))
    flat1, flat2 = (
        (masks > 0.5).reshape(-1, masks.shape[-1]).astype(np.float32) for masks in (masks1, masks2)
    )
    intersections = flat1.T @ flat2
    unions = flat1.sum(axis=0)[:, None] + flat2.sum(axis=0) - intersections
    return intersections / np.maximum(unions, 1)


def compute_matches(
    gt_boxes,
    gt_class_ids,
    gt_masks,
    pred_boxes,
    pred_class_ids,
    pred_scores,
    pred_masks,
    iou_threshold=0.5,
    score_threshold=0.0,
):
    """Pairs predictions with ground-truth objects of the same class, the surest first.

    Each prediction, in the order of falling scores, takes the object that its mask overlaps most
    among those of its class that are still free.

    Args:
        gt_boxes: [N, 4]; rows of zeros are padding.
        gt_class_ids: [N] int.
        gt_masks: [H, W, N].
        pred_boxes: [M, 4]; rows of zeros are padding.
        pred_class_ids: [M] int.
        pred_scores: [M] float.
        pred_masks: [H, W, M].
        iou_threshold: masks that overlap less are no match.
        score_threshold: in spite of its name a second threshold on the overlap, as in the original.

    Returns:
        gt_match: [N] float, for each object the prediction that took it, or -1.
        pred_match: [M] float, for each prediction the object it took, or -1.
        overlaps: [M, N] IoU of masks.
        Predictions are numbered in the order of falling scores.
    """
    overlaps, gt_class_ids, pred_class_ids = _overlaps_by_score(
        gt_boxes, gt_class_ids, gt_masks, pred_boxes, pred_class_ids, pred_scores, pred_masks
    )
    threshold = max(iou_threshold, score_threshold)
    return *_match(overlaps, gt_class_ids, pred_class_ids, threshold), overlaps


def compute_ap(
    gt_boxes,
    gt_class_ids,
    gt_masks,
    pred_boxes,
    pred_class_ids,
    pred_scores,
    pred_masks,
    iou_threshold=0.5,
):
    """Average precision of one picture, at one threshold; arguments as in `compute_matches`.

    Returns:
        mAP: float, the area under the curve of precision over recall, after each precision was
            raised to the highest that follows it. 0 if there is no ground truth.
        precisions: [M + 2] float, of the 0, 1, 2, … surest predictions, raised so; a 0 at the end.
        recalls: [M + 2] float, of the same; a 1 at the end.
        overlaps: [M, N] IoU of masks, predictions in the order of falling scores.
    """
    gt_match, pred_match, overlaps = compute_matches(
        gt_boxes,
        gt_class_ids,
        gt_masks,
        pred_boxes,
        pred_class_ids,
        pred_scores,
        pred_masks,
        iou_threshold,
    )
    return *average_precision(pred_match > -1, len(gt_match)), overlaps


def compute_ap_range(
    gt_box,
    gt_class_id,
    gt_mask,
    pred_box,
    pred_class_id,
    pred_score,
    pred_mask,
    iou_thresholds=None,
    verbose=1,
):
    """Average precision of one picture, averaged over thresholds, by default 0.5, 0.55, … 0.95.

    Arguments are as in `compute_matches`; `verbose` prints a line for each threshold and the mean.
    """
    if iou_thresholds is None:
        iou_thresholds = np.arange(0.5, 1.0, 0.05)
    overlaps, gt_class_id, pred_class_id = _overlaps_by_score(
        gt_box, gt_class_id, gt_mask, pred_box, pred_class_id, pred_score, pred_mask
    )
    aps = []
    for threshold in iou_thresholds:
        gt_match, pred_match = _match(overlaps, gt_class_id, pred_class_id, threshold)
        aps.append(average_precision(pred_match > -1, len(gt_match))[0])
        if verbose:
            print(f"AP @{threshold:.2f}:\t {aps[-1]:.3f}")
    mean = np.mean(aps)
    if verbose:
        print(f"AP @{iou_thresholds[0]:.2f}-{iou_thresholds[-1]:.2f}:\t {mean:.3f}")
    return mean


def compute_recall(pred_boxes, gt_boxes, iou):
    """How many of the ground-truth boxes are found, whatever their class.

    Args:
        pred_boxes: [M, 4] pixels.
        gt_boxes: [N, 4] pixels.
        iou: least overlap of a box found.

    Returns:
        recall: float, the share of the ground-truth boxes that are the best match of a prediction
            which overlaps it enough. 0 if there are none.
        positive_ids: [P] int, the predictions that overlap a ground-truth box enough.
    """
    if not len(gt_boxes):
        return 0.0, np.zeros(0, int)
    overlaps = box_iou(pred_boxes, gt_boxes)
    positive_ids = np.flatnonzero(overlaps.max(axis=1) >= iou)
    found = np.unique(overlaps[positive_ids].argmax(axis=1))
    return len(found) / len(gt_boxes), positive_ids


def _overlaps_by_score(gt_boxes, gt_class_ids, gt_masks, pred_boxes, pred_class_ids, pred_scores, pred_masks):
    """Mask IoU [M, N] and class ids [N], [M] without padding, predictions by falling score."""
    count = len(trim_zeros(gt_boxes))
    order = np.argsort(pred_scores[: len(trim_zeros(pred_boxes))])[::-1]
    overlaps = compute_overlaps_masks(pred_masks[..., order], gt_masks[..., :count])
    return overlaps, gt_class_ids[:count], pred_class_ids[order]


def _match(overlaps, gt_class_ids, pred_class_ids, threshold):
    gt_match = np.full(len(gt_class_ids), -1.0)
    pred_match = np.full(len(pred_class_ids), -1.0)
    for i, class_id in enumerate(pred_class_ids):
        for j in np.argsort(overlaps[i])[::-1]:
            if overlaps[i, j] < threshold:
                break
            if gt_match[j] == -1 and gt_class_ids[j] == class_id:
                gt_match[j], pred_match[i] = i, j
                break
    return gt_match, pred_match


def average_precision(correct, objects):
    """The area under the curve of precision over recall, each precision raised to the best that follows it.

    Args:
        correct: (M,) bool, surest first: which detections found an object.
        objects: how many there were to find.

    Returns:
        AP; precisions, raised, and recalls, (M + 2,) each, with an end before and behind.
    """
    hits = np.cumsum(correct)
    precisions = np.concatenate([[0], hits / np.arange(1, len(hits) + 1), [0]])
    recalls = np.concatenate([[0], hits.astype(np.float32) / max(objects, 1), [1]])
    precisions = np.maximum.accumulate(precisions[::-1])[::-1]
    return np.sum(np.diff(recalls) * precisions[1:]), precisions, recalls


# A whole data set, as COCO does it


def coco_results(image_id, result, category_ids=None):
    """One picture's detections as entries of a COCO results list.

    Args:
        image_id: id of the picture in the ground truth.
        result: dict `rois`, `class_ids`, `scores`, `masks`, as `detect` gives it for a picture; the masks
            may be `MaskCrops`.
        category_ids: dict class id → category id of the ground truth. Classes that are not in it
            are left out. By default the category id is the class id.

    Returns:
        list of dicts `image_id`, `category_id`, `bbox` (x, y, width, height in pixels), `score`,
        `segmentation` (compressed RLE, its `counts` a str), which `json.dump` can write.
    """
    from pycocotools import mask as mask_utils

    masks, entries = as_crops(result["masks"]), []
    for i, (class_id, score) in enumerate(zip(result["class_ids"], result["scores"], strict=True)):
        category_id = int(class_id) if category_ids is None else category_ids.get(int(class_id))
        if category_id is None:
            continue
        y1, x1, y2, x2 = (float(edge) for edge in result["rois"][i])
        size = [int(side) for side in masks.picture_shape]
        runs = {"size": size, "counts": run_lengths(masks.crops[i], masks.boxes[i], size)}
        rle = mask_utils.frPyObjects(runs, *size)
        entries.append(
            {
                "image_id": image_id,
                "category_id": category_id,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "score": float(score),
                "segmentation": {"size": size, "counts": rle["counts"].decode()},
            }
        )
    return entries


def coco_ground_truth(dataset, image_ids=None):
    """Any data set as pycocotools' COCO object, made in memory.

    Its image ids and category ids are the data set's own image ids and class ids. Areas, by which COCO tells
    small (under 32²) from medium and large (over 96²), and boxes are those of `load_annotations`.

    Args:
        dataset: a prepared `mrcnn.data.dataset.Dataset`.
        image_ids: which of its pictures; by default all.
    """
    images, annotations = [], []
    for image_id in map(int, dataset.image_ids if image_ids is None else image_ids):
        (height, width), objects = dataset.load_annotations(image_id)
        images.append({"id": image_id, "height": height, "width": width})
        for entry in objects:
            # COCOeval takes an id of 0 for "no match".
            annotations.append(entry | {"id": len(annotations) + 1, "image_id": image_id})
    categories = [{"id": i, "name": name} for i, name in enumerate(dataset.class_names) if i]
    return _indexed(images, categories, annotations)


def evaluate_coco(coco_gt, results, kind="segm", progress=iter):
    """COCO's twelve numbers, and the average precision of each class.

    Classes are judged one by one, so that memory is what the largest of them needs; the numbers are those
    that pycocotools gives for all at once.

    Args:
        coco_gt: ground truth, a `pycocotools.coco.COCO`.
        results: iterable of dicts as `coco_results` gives them; it may be empty.
        kind: "segm" compares masks, "bbox" boxes.
        progress: called with the list of category ids, gives an iterator over them: `tqdm.tqdm`, say.

    Returns:
        dict: AP (mean over IoU 0.5, 0.55, … 0.95), AP50, AP75, and APs, APm, APl of small, medium
        and large objects; AR1, AR10, AR100 (recall with so many detections a picture), ARs, ARm,
        ARl; `per_class`: dict class name → dict AP, AP50. A number is -1, as COCO has it, where
        the ground truth has no such object.

    Raises:
        ValueError: `kind` is another, or a result is of a picture that is not in the ground truth.
    """
    from pycocotools.cocoeval import COCOeval

    if kind not in ("segm", "bbox"):
        raise ValueError(f'kind is {kind!r}; it may be "segm" or "bbox".')
    by_category = _by_category(coco_gt, results, kind)
    with _silence():
        judge = COCOeval(coco_gt, iouType=kind)
    category_ids = sorted(coco_gt.getCatIds())
    shape = [len(judge.params.iouThrs), len(judge.params.recThrs), 0, len(judge.params.areaRng), 3]
    precisions, recalls = [np.zeros(shape)], [np.zeros([*shape[:1], *shape[2:]])]
    for category_id in progress(category_ids):
        precision, recall = _judge(coco_gt, category_id, by_category.get(category_id, ()), kind)
        precisions.append(precision)
        recalls.append(recall)
    # [thresholds, recalls, classes, areas, most detections], and the same without recalls
    precision, recall = np.concatenate(precisions, axis=2), np.concatenate(recalls, axis=1)
    judge.eval = {"params": judge.params, "precision": precision, "recall": recall}
    with _silence():
        judge.summarize()
    precision = precision[:, :, :, 0, -1]  # of objects of all sizes, with 100 detections a picture
    names = [category["name"] for category in coco_gt.loadCats(category_ids)]
    return {
        **dict(zip(COCO_NUMBERS, judge.stats.tolist(), strict=True)),
        "per_class": {
            name: {"AP": _mean(precision[..., k]), "AP50": _mean(precision[0, :, k])}
            for k, name in enumerate(names)
        },
    }


def evaluate(model, dataset, image_ids=None, category_ids=None, progress=iter):
    """Detects in the pictures of a data set, and counts as COCO does.

    Pictures are read one by one and masks are packed at once, so memory hardly grows with them.

    Args:
        model: anything with `detect(images) -> [result, …]`.
        dataset: a prepared `mrcnn.data.dataset.Dataset`.
        image_ids: which of its pictures; by default all.
        category_ids: dict class id of the model → class id of the data set, if they differ.
        progress: called with the list of image ids, gives an iterator over them: `tqdm.tqdm`, say.

    Returns:
        dict "bbox" and "segm" → numbers as `evaluate_coco` gives them.
    """
    image_ids = [int(i) for i in (dataset.image_ids if image_ids is None else image_ids)]
    coco_gt = coco_ground_truth(dataset, image_ids)
    known = {}
    find_all(model, dataset, progress(image_ids), category_ids, known)
    results = list(itertools.chain.from_iterable(known.values()))
    return {kind: evaluate_coco(coco_gt, results, kind) for kind in ("bbox", "segm")}


def find_all(model, dataset, image_ids, category_ids, known):
    """Detects in those pictures whose results are not known yet, one after another.

    Args:
        model, dataset, category_ids: as of `evaluate`.
        image_ids: iterable of int.
        known: mapping from str(image id) to a picture's results as `coco_results` gives them, which is
            added to.
    """
    for image_id in image_ids:
        if str(image_id) not in known:
            (result,) = model.detect([dataset.load_image(image_id)])
            known[str(image_id)] = coco_results(image_id, result, category_ids)


def same_classes(of_model, of_dataset):
    """Dict class id of the model → that of the data set, of the classes that both have, by name.

    Raises:
        ValueError: there are none.
    """
    numbers = {name: number for number, name in enumerate(of_dataset) if number}
    same = {number: numbers[name] for number, name in enumerate(of_model) if number and name in numbers}
    if not same:
        raise ValueError(
            f"The model knows none of the data set's classes ({', '.join(numbers)}); it knows "
            f"{', '.join(of_model[1:])}. Choose other weights."
        )
    return same


def _by_category(coco_gt, results, kind):
    """Results of each category id, packed as JSON: a fifth of what they would take as dicts."""
    # Seeing a box, pycocotools would take the box's area for the mask's, which decides what counts as small.
    unwanted = {"segm": "bbox", "bbox": "segmentation"}[kind]
    strays, by_category = set(), defaultdict(list)
    for entry in results:
        if entry["image_id"] not in coco_gt.imgs:
            strays.add(entry["image_id"])
        entry = {key: value for key, value in entry.items() if key != unwanted}
        by_category[entry["category_id"]].append(json.dumps(entry))
    if strays:
        raise ValueError(
            f"There are results for {len(strays)} pictures that are not in the ground truth, "
            f"one of them with the id {next(iter(strays))!r}; give the annotations that they belong to."
        )
    return by_category


def _judge(coco_gt, category_id, results, kind):
    """Precision and recall of one class as pycocotools has them, on the pictures that it is on."""
    from pycocotools.cocoeval import COCOeval

    results = [json.loads(entry) for entry in results]
    truth = coco_gt.loadAnns(coco_gt.getAnnIds(catIds=[category_id]))
    image_ids = sorted({entry["image_id"] for entry in (*results, *truth)})
    images, categories = coco_gt.loadImgs(image_ids), coco_gt.loadCats([category_id])
    truth = _indexed(images, categories, truth)
    with _silence():
        found = truth.loadRes(results) if results else _indexed(images, categories, [])
        judge = COCOeval(truth, found, kind)
        judge.evaluate()
        judge.accumulate()
    return judge.eval["precision"], judge.eval["recall"]


def _indexed(images, categories, annotations):
    """A `pycocotools.coco.COCO` of these lists of dicts."""
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = {"info": {}, "images": images, "categories": categories, "annotations": annotations}
    with _silence():
        coco.createIndex()
    return coco


def _mean(precision):
    valid = precision[precision > -1]
    return float(valid.mean()) if valid.size else -1.0


def _silence():
    """pycocotools prints what it does."""
    return contextlib.redirect_stdout(io.StringIO())

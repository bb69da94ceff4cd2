#!/usr/bin/env python3
"""Golden values of tests/unit/import.c: model files of other libraries, and what those make of rows.

Each case NAME leaves import/NAME.model and import/NAME.tsv: a head line, then one row a line with the
inputs (empty: missing), the library's margin and probability, and where it has them its contributions
and their base. Rows lie on every threshold and one step beside it, far out, at missing values and at
categories that training never saw. Written with xgboost 1.7.6, 3.2.0 and 3.4.1, lightgbm 4.7.0,
scikit-learn 1.9.1, skl2onnx 1.20.0, onnxmltools 1.16.0, onnxruntime 1.31.1 (one thread), and
tensorflow 2.21.0 with tf2onnx 1.17.0. No one environment holds all of them; run a group in each:

    make_import.py xgboost17        # xgboost 1.7
    make_import.py xgboost34        # xgboost 3.4
    make_import.py xgboost lightgbm onnx     # the others
    make_import.py keras            # tensorflow, tf2onnx
"""
import pathlib
import sys
import warnings

import numpy as np

warnings.filterwarnings('ignore')
HERE = pathlib.Path(__file__).parent / 'import'
NAN, INF = float('nan'), float('inf')
NAMES = ['amount', 'count', 'ratio', 'age']


def data(seed, rows=600, whole=()):
    """Skewed amounts, a count, a share with gaps; whole: columns that are category codes."""
    r = np.random.default_rng(seed)
    x = np.column_stack([np.round(r.lognormal(3, 1, rows), 2), r.poisson(2, rows), r.random(rows), r.normal(40, 12, rows)])
    y = (x[:, 0] * (1 + x[:, 1]) / 90 + r.normal(0, .5, rows) + (x[:, 2] > .8) > 1.5).astype(int)
    x[r.random(x.shape) < .07] = np.nan
    for column in whole:
        x[:, column] = r.integers(0, 40, rows)
        y |= (x[:, column] % 7 == 3) & (r.random(rows) < .7)
    return x, y


def cell(v):
    if isinstance(v, str):
        return v
    return '' if v != v else ('%.17g' % v)


def write(name, model, head, rows, margin, probability, contributions=None):
    HERE.mkdir(exist_ok=True)
    (HERE / (name + '.model')).write_bytes(model)
    lines = ['\t'.join(list(head) + ['margin', 'probability'] + (['shap:' + h for h in head] + ['base'] if contributions is not None else []))]
    for i, row in enumerate(rows):
        cells = [cell(v) for v in row] + ['%.17g' % margin[i], '%.17g' % probability[i]]
        if contributions is not None:
            cells += ['%.9g' % v for v in contributions[i]]
        lines.append('\t'.join(cells))
    (HERE / (name + '.tsv')).write_text('\n'.join(lines) + '\n')
    print(name, len(model), 'bytes,', len(rows), 'rows')


def probes(x, thresholds, single, far=True):
    """Rows of x, changed in one column to a threshold and its neighbours; then missing and far values."""
    kind = np.float32 if single else np.float64
    rows = [list(map(float, kind(row))) for row in x[:40]]
    for k, (column, t) in enumerate(sorted(set(thresholds))):
        for v in (kind(t), np.nextafter(kind(t), kind(-INF)), np.nextafter(kind(t), kind(INF))):
            row = list(map(float, kind(x[k % len(x)])))
            row[column] = float(v)
            rows.append(row)
    for column in range(x.shape[1]):
        for v in (NAN, 0., 1e-35, -1e-35, 1.0000000180025095e-35, 1.1e-35, 1e30, -1e30) + ((INF, -INF) if far else ()):
            row = list(map(float, kind(x[column])))
            row[column] = float(kind(v))
            rows.append(row)
    rows.append([NAN] * x.shape[1])
    return rows


def codes(rows, columns, values=(-1, -0.5, 0, 0.7, 3, 3.9, 31, 32, 39, 40, 1000, NAN, 1e9, 2.0**24)):
    return rows + [[v if j == c else row[j] for j in range(len(row))] for c in columns for v in values for row in rows[:2]]


def sigmoid(m):
    return 1 / (1 + np.exp(-np.asarray(m, dtype=np.float64)))


# ---- XGBoost ----

def xgb_thresholds(bst):
    frame = []
    import json
    learner = json.loads(bst.save_raw('json'))['learner']['gradient_booster']
    model = learner.get('model') or learner['gbtree']['model']
    for t in model['trees']:
        for left, column, value, kind in zip(t['left_children'], t['split_indices'], t['split_conditions'], t['split_type']):
            if left != -1 and kind == 0:
                frame.append((column, value))
    return frame


def xgb_case(name, params, form, rounds=9, whole=(), types=None, seed=1, names=NAMES, **train):
    import xgboost as xgb
    x, y = data(seed, whole=whole)
    dmatrix = dict(feature_names=names, feature_types=types, enable_categorical=types is not None)
    params = dict(dict(objective='binary:logistic', max_depth=3, eta=.4, nthread=1, base_score=.2, seed=3), **params)
    bst = xgb.train(params, xgb.DMatrix(x, y, **dmatrix), rounds, **train)
    linear = params.get('booster') == 'gblinear'
    rows = probes(x, [] if linear else xgb_thresholds(bst), True, far=False)
    if whole:
        rows = codes(rows, whole)
    m = xgb.DMatrix(np.array(rows), **dmatrix)
    whole_range = (0, bst.num_boosted_rounds()) if not linear else (0, 0)
    margin = bst.predict(m, output_margin=True, iteration_range=whole_range).astype(np.float64)
    p = sigmoid(margin) if 'log' in params['objective'] else np.clip(margin, 0, 1)
    shap = None if linear else bst.predict(m, pred_contribs=True, iteration_range=whole_range)
    write(name, bst.save_raw(form), names or ['f%d' % j for j in range(4)], rows, margin, p, shap)


def xgboost17():
    xgb_case('xgboost17_json', {}, 'json')
    xgb_case('xgboost17_logitraw', dict(objective='binary:logitraw', base_score=.3), 'ubj', rounds=4, seed=2, names=None)
    xgb_case('xgboost17_dart', dict(booster='dart', rate_drop=.4), 'json', seed=3)
    xgb_case('xgboost17_category', dict(tree_method='hist', max_cat_to_onehot=4), 'ubj', whole=(1,), types=['q', 'c', 'q', 'q'], seed=4)
    xgb_case('xgboost17_linear', dict(booster='gblinear', updater='coord_descent'), 'json', seed=5)
    xgb_case('xgboost17_onehot', dict(tree_method='approx', max_cat_to_onehot=100), 'json', whole=(1,), types=['q', 'c', 'q', 'q'], seed=6, rounds=5)


def xgboost34():
    xgb_case('xgboost34_json', dict(max_leaves=9, grow_policy='lossguide', max_depth=0, gamma=1.), 'json', seed=7)
    xgb_case('xgboost34_dart', dict(booster='dart', rate_drop=.4), 'ubj', seed=8)


def xgboost():
    import pandas as pd
    import xgboost as xgb
    xgb_case('xgboost32_ubj', {}, 'ubj')
    xgb_case('xgboost32_logitraw', dict(objective='binary:logitraw', base_score=.3), 'json', rounds=4, seed=2)
    xgb_case('xgboost32_regression', dict(objective='reg:squarederror', num_parallel_tree=3, subsample=.6), 'json', rounds=3, seed=9)
    xgb_case('xgboost32_pruned', dict(tree_method='exact', gamma=6., max_depth=6), 'ubj', seed=10)
    # pandas categories: the file has them since 3.1
    r = np.random.default_rng(11)
    n = 700
    shops = ['bar', 'cafe', 'fuel', 'zoo', 'web shop']  # ASCII: it cuts other texts (3.2.0)
    frame = pd.DataFrame({'amount': r.lognormal(3, 1, n), 'shop': pd.Categorical(r.choice(shops, n)), 'plan': pd.Categorical(r.choice([10, 20, 30, 55], n))})
    y = ((frame.shop == 'zoo') & (frame.amount > 20) | (frame.plan == 55) & (frame.amount > 50)).astype(int)
    bst = xgb.train(dict(objective='binary:logistic', max_depth=4, eta=.5, nthread=1, max_cat_to_onehot=1), xgb.DMatrix(frame, y, enable_categorical=True), 6)
    rows, t = frame[:60].copy(), [v for c, v in xgb_thresholds(bst) if c == 0]
    more = frame[:3 * len(t)].copy()
    more['amount'] = np.concatenate([[np.float32(v), np.nextafter(np.float32(v), np.float32(-INF)), np.nextafter(np.float32(v), np.float32(INF))] for v in t])
    rows['amount'] = rows['amount'].astype(np.float32)
    gaps = rows[:12].copy()
    gaps.loc[:5, 'shop'] = None
    gaps.loc[4:, 'plan'] = None
    rows = pd.concat([rows, more, gaps])
    m = xgb.DMatrix(rows, enable_categorical=True)
    margin = bst.predict(m, output_margin=True).astype(np.float64)
    cells = [['' if v is None or v != v else v if isinstance(v, str) else float(v) for v in row] for row in rows.astype(object).values]
    write('xgboost32_pandas', bytes(bst.save_raw('json')), list(frame.columns), cells, margin, sigmoid(margin), bst.predict(m, pred_contribs=True))


# ---- LightGBM ----

def lgb_thresholds(bst):
    out = []

    def walk(n):
        if 'threshold' in n:
            if n['decision_type'] == '<=':
                out.append((n['split_feature'], n['threshold']))
            walk(n['left_child'])
            walk(n['right_child'])
    for t in bst.dump_model()['tree_info']:
        walk(t['tree_structure'])
    return out


def lgb_case(name, params, rounds=9, whole=(), seed=1, change=None):
    import lightgbm as lgb
    x, y = data(seed, whole=whole)
    if change:
        change(x)
    params = dict(dict(objective='binary', num_leaves=7, learning_rate=.3, verbose=-1, num_threads=1, deterministic=True, min_data_in_leaf=8, seed=5), **params)
    bst = lgb.train(params, lgb.Dataset(x, y, feature_name=NAMES, categorical_feature=list(whole), params=dict(verbose=-1)), rounds)
    rows = probes(x, lgb_thresholds(bst), False)
    if whole:
        rows = codes(rows, whole)
    a = np.array(rows)
    raw = bst.predict(a, raw_score=True)
    p = np.clip(bst.predict(a), 0, 1)
    if params.get('boosting') == 'rf':
        raw = bst.predict(a)
        raw = np.log(raw / (1 - raw)) if params['objective'] == 'binary' else raw
    contributions = None if params.get('boosting') == 'rf' else bst.predict(a, pred_contrib=True)
    write(name, bst.model_to_string().encode(), NAMES, rows, raw, p, contributions)


def lightgbm():
    import lightgbm as lgb
    import pandas as pd

    def zeros(x):
        x[::5, 1] = 0
        x[::3, 2] = 0
    lgb_case('lightgbm_nan', {})
    lgb_case('lightgbm_zero', dict(zero_as_missing=True), seed=2, change=zeros)
    lgb_case('lightgbm_none', dict(use_missing=False, sigmoid=.7), seed=3, change=lambda x: x.__setitem__((slice(None), 0), x[:, 0] - 30))
    lgb_case('lightgbm_category', dict(min_data_per_group=5, cat_smooth=1., max_cat_to_onehot=1), whole=(1,), seed=4)
    lgb_case('lightgbm_onehot', dict(max_cat_to_onehot=64), whole=(1, 3), seed=5, rounds=5)
    lgb_case('lightgbm_dart', dict(boosting='dart', drop_rate=.5), seed=6, rounds=12)
    lgb_case('lightgbm_forest', dict(boosting='rf', objective='regression', bagging_freq=1, bagging_fraction=.5), seed=7)
    lgb_case('lightgbm_entropy', dict(objective='cross_entropy', boost_from_average=False), seed=8, rounds=4)
    r = np.random.default_rng(12)
    n = 900
    frame = pd.DataFrame({'amount': r.lognormal(3, 1, n), 'shop': pd.Categorical(r.choice(['bar', 'café', 'fuel', 'zoo', 'web=shop'], n)), 'plan': pd.Categorical(r.choice([10, 20, 30, 55], n))})
    y = ((frame.shop == 'zoo') & (frame.amount > 20) | (frame.plan == 55) & (frame.amount > 50)).astype(int)
    bst = lgb.train(dict(objective='binary', num_leaves=6, verbose=-1, num_threads=1, min_data_in_leaf=8, max_cat_to_onehot=1, cat_smooth=1.), lgb.Dataset(frame, y), 8)
    rows = frame[:60].copy()
    rows.loc[:5, 'shop'] = None
    rows.loc[4:8, 'plan'] = None
    rows['shop'] = rows['shop'].astype(object)
    rows.loc[10:14, 'shop'] = 'never seen'
    cells = [['' if v is None or v != v else v if isinstance(v, str) else float(v) for v in row] for row in rows.astype(object).values]
    rows['shop'] = pd.Categorical(rows['shop'], categories=sorted(set(rows['shop'].dropna())))
    write('lightgbm_pandas', bst.model_to_string().encode(), list(frame.columns), cells, bst.predict(rows, raw_score=True), bst.predict(rows), bst.predict(rows, pred_contrib=True))


# ---- ONNX ----

def ort(model, feeds, output):
    import onnxruntime as rt
    options = rt.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = rt.InferenceSession(model, options, providers=['CPUExecutionProvider'])
    out = session.run([output], feeds)[0]
    if isinstance(out, list):
        return np.array([[row[k] for k in sorted(row)] for row in out], dtype=np.float64)
    return np.asarray(out, dtype=np.float64)


def onnx_rows(name, model, rows, output, names=None, second=True, log_odds=True, margin=None):
    """One float tensor."""
    x = np.array(rows, dtype=np.float32)
    feed = model.graph.input[0].name
    raw = model.SerializeToString()
    out = ort(raw, {feed: x}, output)
    p = out[:, 1] if second and out.ndim > 1 and out.shape[1] == 2 else out.reshape(len(rows), -1)[:, 0]
    if margin is None:
        margin = linear_margin(model, {feed: x}) if log_odds else p
    write(name, raw, names or ['f%d' % j for j in range(x.shape[1])], rows, margin, np.clip(p, 0, 1))


def tree_thresholds(model):
    out = []
    for node in model.graph.node:
        a = {x.name: x for x in node.attribute}
        if 'nodes_values' in a:
            out += [(c, v) for c, v, m in zip(a['nodes_featureids'].ints, a['nodes_values'].floats, a['nodes_modes'].strings) if m != b'LEAF']
    return out


def without_link(model):
    """The same file with the margin as its result."""
    import copy
    other = copy.deepcopy(model)
    for node in other.graph.node:
        for a in node.attribute:
            if a.name == 'post_transform':
                a.s = b'NONE'
    return other


def linear_margin(model, feeds):
    """Of a linear model, or of a net: what goes into its last sigmoid."""
    import onnx.helper as oh
    if not any(n.op_type == 'Sigmoid' for n in model.graph.node):
        return ort(without_link(model).SerializeToString(), feeds, 'output_probability')[:, 1]
    other = without_link(model)
    last = [n for n in other.graph.node if n.op_type == 'Sigmoid'][-1].input[0]
    other.graph.output.append(oh.make_tensor_value_info(last, 1, None))
    return ort(other.SerializeToString(), feeds, last).reshape(-1)


def onnx():
    import onnx.helper as oh
    from onnxmltools import convert_lightgbm, convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType as MlFloat
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, Normalizer, OneHotEncoder, OrdinalEncoder, StandardScaler
    import lightgbm as lgb
    import pandas as pd
    import xgboost as xgb

    x, y = data(21)
    full = np.nan_to_num(x, nan=1.).astype(np.float32)

    def plain(m):
        return to_onnx(m, full[:1])

    forest = plain(RandomForestClassifier(8, max_depth=4, random_state=1).fit(full, y))
    rows = [r for r in probes(full, tree_thresholds(forest), True)]
    onnx_rows('onnx_forest', forest, rows, 'output_probability', log_odds=False)

    boost = plain(GradientBoostingClassifier(n_estimators=10, max_depth=3, random_state=1).fit(full, y))
    rows = probes(full, tree_thresholds(boost), True)
    margin = ort(without_link(boost).SerializeToString(), {'X': np.array(rows, dtype=np.float32)}, 'output_probability')[:, 1]
    onnx_rows('onnx_boost', boost, rows, 'output_probability', margin=margin)

    rows = [[float(v) for v in row] for row in full[:80]]
    onnx_rows('onnx_logistic', plain(make_pipeline(StandardScaler(), LogisticRegression()).fit(full, y)), rows, 'output_probability')
    onnx_rows('onnx_net', plain(make_pipeline(MinMaxScaler(), MLPClassifier((8, 4), activation='tanh', max_iter=80, random_state=2)).fit(full, y)), rows, 'output_probability')
    onnx_rows('onnx_normalizer', plain(make_pipeline(Normalizer('l2'), RandomForestClassifier(5, max_depth=3, random_state=1)).fit(full, y)), rows, 'output_probability', log_odds=False)

    bst = xgb.XGBClassifier(n_estimators=8, max_depth=3, n_jobs=1, base_score=.3).fit(x, y)
    model = convert_xgboost(bst, initial_types=[('input', MlFloat([None, 4]))], target_opset=15)
    rows = probes(x, tree_thresholds(model), True)
    margin = ort(without_link(model).SerializeToString(), {'input': np.array(rows, dtype=np.float32)}, 'probabilities')[:, 1]
    onnx_rows('onnx_xgboost', model, rows, 'probabilities', margin=margin)

    bst = lgb.LGBMClassifier(n_estimators=8, num_leaves=7, n_jobs=1, verbose=-1).fit(x, y)
    model = convert_lightgbm(bst, initial_types=[('input', MlFloat([None, 4]))], target_opset=15, zipmap=False)
    rows = probes(x, tree_thresholds(model), True)
    margin = ort(without_link(model).SerializeToString(), {'input': np.array(rows, dtype=np.float32)}, 'probabilities')[:, 1]
    onnx_rows('onnx_lightgbm', model, rows, 'probabilities', margin=margin)

    # every mode of a node, both ways for a missing value; the tree ids do not begin at 0
    r = np.random.default_rng(5)
    modes = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ']
    trees, ids, columns, mode, values, yes, no, tracks, wt, wn, ww = [], [], [], [], [], [], [], [], [], [], []
    for t in range(12):
        name = 7 + 3 * t
        trees += [name] * 3
        ids += [5, 9, 2]
        columns += [t % 3, 0, 0]
        mode += [modes[t % 6], 'LEAF', 'LEAF']
        values += [float(np.float32(r.integers(-2, 3) + (0 if t % 2 else .1))), 0., 0.]
        yes += [9, 0, 0]
        no += [2, 0, 0]
        tracks += [t // 6, 0, 0]
        wt += [name, name]
        wn += [9, 2]
        ww += [float(np.float32(v)) for v in r.normal(size=2)]
    for how in ('SUM', 'AVERAGE'):
        node = oh.make_node('TreeEnsembleRegressor', ['X'], ['Y'], domain='ai.onnx.ml', n_targets=1, aggregate_function=how, base_values=[.125], post_transform='NONE',
                            nodes_treeids=trees, nodes_nodeids=ids, nodes_featureids=columns, nodes_modes=mode, nodes_values=values, nodes_truenodeids=yes, nodes_falsenodeids=no,
                            nodes_missing_value_tracks_true=tracks, nodes_hitrates=[1.] * len(ids), target_treeids=wt, target_nodeids=wn, target_ids=[0] * len(wt), target_weights=ww)
        graph = oh.make_graph([node], 'modes', [oh.make_tensor_value_info('X', 1, [None, 3])], [oh.make_tensor_value_info('Y', 1, [None, 1])])
        model = oh.make_model(graph, opset_imports=[oh.make_opsetid('ai.onnx.ml', 3), oh.make_opsetid('', 15)], ir_version=8)
        rows = probes(r.integers(-2, 3, (40, 3)).astype(np.float64), [(c, v) for c, v, m in zip(columns, values, mode) if m != 'LEAF'], True)
        onnx_rows('onnx_modes_' + how.lower(), model, rows, 'Y', log_odds=False)

    # a classifier whose weights are all of one class, all positive, with and without a link
    for name, of, post, base in (('first', 0, 'LOGISTIC', {'base_values': [.125]}), ('second', 1, 'NONE', {})):
        node = oh.make_node('TreeEnsembleClassifier', ['X'], ['label', 'probabilities'], domain='ai.onnx.ml', post_transform=post, classlabels_int64s=[0, 1], **base,
                            nodes_treeids=trees, nodes_nodeids=ids, nodes_featureids=columns, nodes_modes=mode, nodes_values=values, nodes_truenodeids=yes, nodes_falsenodeids=no,
                            nodes_missing_value_tracks_true=tracks, class_treeids=wt, class_nodeids=wn, class_ids=[of] * len(wt), class_weights=[abs(v) / 9 for v in ww])
        graph = oh.make_graph([node], 'classes', [oh.make_tensor_value_info('X', 1, [None, 3])], [oh.make_tensor_value_info('label', 7, [None]), oh.make_tensor_value_info('probabilities', 1, [None, 2])])
        model = oh.make_model(graph, opset_imports=[oh.make_opsetid('ai.onnx.ml', 3), oh.make_opsetid('', 15)], ir_version=8)
        margin = ort(without_link(model).SerializeToString(), {'X': np.array(rows, dtype=np.float32)}, 'probabilities')[:, 1]
        onnx_rows('onnx_class_' + name, model, rows, 'probabilities', margin=margin)

    # row norms before a linear model
    for norm in ('L1', 'MAX'):
        nodes = [oh.make_node('Normalizer', ['X'], ['n'], domain='ai.onnx.ml', norm=norm),
                 oh.make_node('LinearRegressor', ['n'], ['Y'], domain='ai.onnx.ml', coefficients=[1., 0., 0.], intercepts=[0.], targets=1)]
        graph = oh.make_graph(nodes, 'norms', [oh.make_tensor_value_info('X', 1, [None, 3])], [oh.make_tensor_value_info('Y', 1, [None, 1])])
        model = oh.make_model(graph, opset_imports=[oh.make_opsetid('ai.onnx.ml', 3), oh.make_opsetid('', 15)], ir_version=8)
        onnx_rows('onnx_norm_' + norm.lower(), model, [[float(v) for v in row] for row in r.normal(size=(60, 3)).astype(np.float32)] + [[0., 0., 0.], [-1., -2., 0.], [-1., -2., -3.]], 'Y', log_odds=False)

    # a data frame with texts: imputer, scaler, one-hot; and ordinal codes under trees
    frame = pd.DataFrame(x, columns=NAMES)
    frame['shop'] = r.choice(['bar', 'café', 'zoo'], len(frame))
    y = y | (frame.shop == 'zoo').values
    types = [(c, FloatTensorType([None, 1])) for c in NAMES] + [('shop', StringTensorType([None, 1]))]
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    onehot = make_pipeline(ColumnTransformer([('n', numbers, NAMES), ('c', OneHotEncoder(handle_unknown='ignore'), ['shop'])]), LogisticRegression())
    ordinal = make_pipeline(ColumnTransformer([('n', MinMaxScaler(), ['amount']), ('c', OrdinalEncoder(handle_unknown='use_encoded_value', unknown_value=-1), ['shop'])], remainder='passthrough'),
                            RandomForestClassifier(5, max_depth=4, random_state=3))
    filled = frame.fillna(1.)
    for name, pipe, train, odds in (('onnx_onehot', onehot, frame, True), ('onnx_ordinal', ordinal, filled, False)):
        model = to_onnx(pipe.fit(train, y), initial_types=types)
        rows = train[:60].copy()
        rows.loc[50:, 'shop'] = 'never seen'
        rows[NAMES] = rows[NAMES].astype(np.float32)
        feeds = {c: rows[[c]].values.astype(np.float32) for c in NAMES}
        feeds['shop'] = rows[['shop']].values.astype(object)
        raw = model.SerializeToString()
        p = ort(raw, feeds, 'output_probability')[:, 1]
        cells = [[v if isinstance(v, str) else float(v) for v in row] for row in rows.astype(object).values]
        write(name, raw, NAMES + ['shop'], cells, linear_margin(model, feeds) if odds else p, p)


def keras():
    import os
    os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
    import tempfile
    import tensorflow as tf
    import tf2onnx
    tf.keras.utils.set_random_seed(4)
    x, y = data(31)
    x = np.nan_to_num(x, nan=1.).astype(np.float32)
    dense = tf.keras.layers.Dense
    scale = tf.keras.layers.BatchNormalization()  # tf2onnx 1.17 loses Normalization's constants
    net = tf.keras.Sequential([tf.keras.Input((4,)), scale, dense(8, 'relu'), tf.keras.layers.BatchNormalization(), tf.keras.layers.Dropout(.2), dense(4, 'relu'), dense(1, 'sigmoid')])
    net.compile('adam', 'binary_crossentropy')
    net.fit(x, y, epochs=30, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        net.save(folder + '/net.h5')
        net = tf.keras.models.load_model(folder + '/net.h5')
    signature = [tf.TensorSpec([None, 4], tf.float32, name='x')]
    model, _ = tf2onnx.convert.from_function(tf.function(lambda v: net(v, training=False), input_signature=signature), input_signature=signature)
    onnx_rows('onnx_keras', model, [[float(v) for v in row] for row in x[:80]], model.graph.output[0].name)


if __name__ == '__main__':
    for group in sys.argv[1:]:
        globals()[group]()
